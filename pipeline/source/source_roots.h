// The roots of a job's source. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/options.h"
#include "s3/base/result.h"

namespace pipeline {

// Returns the roots with absolute paths. A relative path is relative to `directory`, the working directory of
// `s3flow plan`.
std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots);

// Returns an absolute path as it is, and a relative one below `directory`, without "./" at its begin.
std::string PathIn(const std::string& directory, std::string path);

// Returns the roots with the globs of their `include_from` and `exclude_from` added to `include` and
// `exclude`. In these files, empty lines and lines that begin with "#" are ignored, and white space around a
// glob. Fails if a file cannot be read, has a glob that is too long, or, for `include_from`, has no glob,
// because `include` without globs would take every file. Blocks.
s3::Result<std::vector<SourceRoot>> ReadGlobs(std::vector<SourceRoot> roots);

// Returns the roots with the ages in `newer_than` and `older_than` as times before `start_s`, in seconds
// since 1970. Pure.
std::vector<SourceRoot> AgesBefore(std::int64_t start_s, std::vector<SourceRoot> roots);

}  // namespace pipeline
