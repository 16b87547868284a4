// The roots of a job's source. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "pipeline/options.h"

namespace pipeline {

// Returns the roots with absolute paths. Relative paths start at `directory`, where the job was planned.
std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots);

}  // namespace pipeline
