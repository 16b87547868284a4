#include "pipeline/source/source_roots.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "pipeline/source/name_list.h"
#include "s3/base/printable.h"

namespace pipeline {
namespace {

tl::unexpected<s3::Error> FailGlobs(const char* key, const std::string& path, std::string_view what) {
  return s3::Fail(s3::ErrorKind::kLocal, fmt::format("{} {}: {}", key, s3::Printable(path), what));
}

std::string_view Trimmed(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r";
  const auto begin = std::min(line.find_first_not_of(kSpace), line.size());
  line.remove_prefix(begin);
  return line.substr(0, line.find_last_not_of(kSpace) + 1);
}

// Adds the globs of the file at `path` to `globs`. `key`: the key that names the file, for messages.
s3::Result<void> AddGlobs(const char* key, const std::string& path, std::vector<std::string>* globs) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return FailGlobs(key, path, "it is not a regular file, which each session could read again");
  }
  auto lines = NameList::Open(path, '\n');
  if (!lines) return FailGlobs(key, path, lines.error().message);
  for (;;) {
    const auto next = lines->Next();
    if (!next) return FailGlobs(key, path, next.error().message);
    if (!*next) return {};
    const auto& line = **next;
    std::string_view text = line.name;
    if (line.number == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    const auto glob = Trimmed(text);
    if (glob.empty() || glob.starts_with('#')) continue;
    if (line.is_cut) return FailGlobs(key, path, fmt::format("line {} is too long for a glob", line.number));
    globs->emplace_back(glob);
  }
}

}  // namespace

std::string PathIn(const std::string& directory, std::string path) {
  while (path.starts_with("./") && path.find_first_not_of("./") != std::string::npos) {
    path.erase(0, path.find_first_not_of('/', 1));  // ".//a" is "a", not "/a"
  }
  return (std::filesystem::path(directory) / path).string();
}

std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots) {
  for (auto& root : roots) {
    root.path = PathIn(directory, root.path);
    for (auto* list : {&root.files_from, &root.files_from0}) {
      if (!list->empty() && *list != "-") *list = PathIn(directory, *list);
    }
    for (auto* globs : {&root.include_from, &root.exclude_from}) {
      for (auto& path : *globs) path = PathIn(directory, path);
    }
  }
  return roots;
}

s3::Result<std::vector<SourceRoot>> ReadGlobs(std::vector<SourceRoot> roots) {
  for (auto& root : roots) {
    for (const auto& path : root.exclude_from) {
      if (auto added = AddGlobs("exclude_from", path, &root.exclude); !added) {
        return tl::unexpected(added.error());
      }
    }
    for (const auto& path : root.include_from) {
      const auto before = root.include.size();
      if (auto added = AddGlobs("include_from", path, &root.include); !added) {
        return tl::unexpected(added.error());
      }
      if (root.include.size() == before) {
        return FailGlobs("include_from", path, "the file has no glob: add one, or remove the key");
      }
    }
  }
  return roots;
}

std::vector<SourceRoot> AgesBefore(std::int64_t start_s, std::vector<SourceRoot> roots) {
  for (auto& root : roots) {
    for (auto* limit : {&root.newer_than, &root.older_than}) {
      if (limit->is_age) *limit = {limit->text, start_s - limit->seconds, false};
    }
  }
  return roots;
}

}  // namespace pipeline
