// Finds the inputs that are in the source now but not in the plan.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "pipeline/options.h"
#include "pipeline/plan/job_plan.h"

namespace pipeline {

struct NewInputs {
  std::uint64_t inputs = 0;
  std::vector<std::string> paths;  // of the first kMaxPaths inputs
  static constexpr std::size_t kMaxPaths = 10;
};

// Walks the source again and looks for each input's path and key in the plan's manifests. Memory: 8 bytes for
// each input of the plan. Fails with kLocal if a file of globs cannot be read, with kUnsupported if a root's
// list can be read only once, and with kCancelled if `stop` was requested during the walk. Blocks.
s3::Result<NewInputs> FindNewInputs(const OwnDir& plan_dir, const JobPlan& plan,
                                    const std::vector<SourceRoot>& roots, const std::string& key_prefix,
                                    std::stop_token stop);

}  // namespace pipeline
