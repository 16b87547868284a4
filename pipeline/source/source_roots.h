// The roots of a job's source. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "pipeline/options.h"

namespace pipeline {

// Returns the roots with absolute paths. A relative path is relative to `directory`, the working directory of
// `s3flow plan`.
std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots);

// Returns an absolute path as it is, and a relative one below `directory`, without "./" at its begin.
std::string PathIn(const std::string& directory, std::string path);

}  // namespace pipeline
