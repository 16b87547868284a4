#include "pipeline/source/source_roots.h"

#include <filesystem>

namespace pipeline {

std::string PathIn(const std::string& directory, std::string path) {
  while (path.starts_with("./") && path.size() > 2) path.erase(0, 2);
  return (std::filesystem::path(directory) / path).string();
}

std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots) {
  for (auto& root : roots) {
    root.path = PathIn(directory, root.path);
    for (auto* list : {&root.files_from, &root.files_from0}) {
      if (!list->empty() && *list != "-") *list = PathIn(directory, *list);
    }
  }
  return roots;
}

}  // namespace pipeline
