#include "pipeline/source/source_filters.h"

#include <algorithm>
#include <string>

#include "s3/glob.h"

namespace pipeline {

bool ExcludesFile(const SourceRoot& root, std::string_view relative) {
  const auto matches = [&](const std::string& glob) { return s3::GlobMatches(glob, relative); };
  if (std::any_of(root.exclude.begin(), root.exclude.end(), matches)) return true;
  return !root.include.empty() && std::none_of(root.include.begin(), root.include.end(), matches);
}

bool ExcludesDirectory(const SourceRoot& root, std::string_view relative) {
  return std::any_of(root.exclude.begin(), root.exclude.end(), [&](std::string_view glob) {
    if (s3::GlobMatchesAllBelow(glob, relative)) return true;
    if (glob.ends_with('/')) glob.remove_suffix(1);
    return s3::GlobMatches(glob, relative);
  });
}

}  // namespace pipeline
