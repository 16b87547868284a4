#include "pipeline/source/source_filters.h"

#include <algorithm>
#include <string>

#include "pipeline/fs/directory.h"
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

bool ExcludesStatus(const SourceRoot& root, const struct stat& status) {
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const std::int64_t mtime_s = status.st_mtim.tv_sec;
  return size < root.min_size_bytes.value_or(0) || size > root.max_size_bytes.value_or(UINT64_MAX) ||
         (!root.newer_than.text.empty() && mtime_s < root.newer_than.seconds) ||
         (!root.older_than.text.empty() && mtime_s >= root.older_than.seconds);
}

s3::Result<bool> ExcludesCache(const SourceRoot& root, int directory_fd) {
  if (!root.exclude_caches) return false;
  return HasFileThatBegins(directory_fd, "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
}

bool HasFilters(const SourceRoot& root) {
  return !root.include.empty() || !root.exclude.empty() || root.min_size_bytes || root.max_size_bytes ||
         !root.newer_than.text.empty() || !root.older_than.text.empty() || root.exclude_caches;
}

SourceRoot WithoutFilters(SourceRoot root) {
  root.include.clear();
  root.exclude.clear();
  root.min_size_bytes.reset();
  root.max_size_bytes.reset();
  root.newer_than = root.older_than = {};
  root.exclude_caches = false;
  return root;
}

}  // namespace pipeline
