// The roots of a job's source. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "pipeline/options.h"

namespace pipeline {

// Makes relative paths of roots absolute: they are relative to `directory`, where the job was planned.
std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots);

}  // namespace pipeline
