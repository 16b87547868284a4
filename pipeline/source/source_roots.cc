#include "pipeline/source/source_roots.h"

#include <filesystem>

namespace pipeline {

std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots) {
  for (auto& root : roots) {
    while (root.path.starts_with("./") && root.path.size() > 2) root.path.erase(0, 2);
    root.path = (std::filesystem::path(directory) / root.path).string();
  }
  return roots;
}

}  // namespace pipeline
