// Which files and directories the filters of a source root leave out. Any thread.
#pragma once

#include <sys/stat.h>

#include <string_view>

#include "pipeline/options.h"

namespace pipeline {

// Return true if the root's globs leave the entry out: a file by `exclude` or `include`, a directory by
// `exclude` only. `relative`: the entry's path below the root, without a slash at the end. An excluded
// directory is not entered.
bool ExcludesFile(const SourceRoot& root, std::string_view relative);
bool ExcludesDirectory(const SourceRoot& root, std::string_view relative);

// Returns true if min_size, max_size, newer_than or older_than leaves the regular file out. Ages must have
// been turned into times (AgesBefore). Pure.
bool ExcludesStatus(const SourceRoot& root, const struct stat& status);
// Returns true if exclude_caches leaves out the directory with all that is below it. Reads its CACHEDIR.TAG.
// Errors are those of HasFileThatBegins().
s3::Result<bool> ExcludesCache(const SourceRoot& root, int directory_fd);

// Returns true if the root has any filter.
bool HasFilters(const SourceRoot& root);
// Returns the root without its filters.
SourceRoot WithoutFilters(SourceRoot root);

}  // namespace pipeline
