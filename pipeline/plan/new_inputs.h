// What a source has now and its plan has not.
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
  std::vector<std::string> paths;  // of the first ones
  static constexpr std::size_t kMaxPaths = 10;
};

// Walks the source again. Two inputs are the same by path and key, of which 8 bytes of a SHA-256 are kept for
// each of the plan's. kCancelled when `stop` was requested meanwhile.
s3::Result<NewInputs> FindNewInputs(const OwnDir& plan_dir, const JobPlan& plan,
                                    const std::vector<SourceRoot>& roots, const std::string& key_prefix,
                                    std::stop_token stop);

// The roots of a job, as they were in the directory it was planned in.
std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots);

}  // namespace pipeline
