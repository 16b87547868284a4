// Makes a plan: walks the source once, splits files that are too large for one shard, distributes the inputs
// over the shards, and writes the plan's directory.
#pragma once

#include <string>

#include "pipeline/options.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/report/summary.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/stop.h"
#include "s3/options.h"
#include "s3/transport/trace.h"

namespace pipeline {

struct PlanRequest {
  std::string directory;
  int shards = 1;
  std::string job_text;  // of the job file
};

struct UnreadInputs {
  std::uint64_t count = 0;
  std::string first;  // "PATH: why"
};

struct PlanOutcome {
  ExitStatus status = kExitOk;
  std::string message;  // why there is no plan; empty if there is one
  JobPlan plan;
  // Directories and lists that could not be read: the plan may lack their inputs, and `status` says so.
  UnreadInputs unreadable{};
};

// Refuses a directory that already has a plan, or has another program's files under the names that a plan
// needs. Sends requests only to create the multipart uploads of split files. If the plan fails, it aborts
// these uploads. If the abort fails, too, the next `plan` into the same directory or `clean` aborts them.
// `trace` may be null. Blocks. Memory, for any number of inputs: 260 buffers of spooled lines, one line for
// each shard, and 64 MiB of manifests.
PlanOutcome MakePlan(const PlanRequest& request, const Options& options, const s3::Options& s3_options,
                     const RunCredentials& credentials, StopControl* stop, s3::TraceLog* trace);

}  // namespace pipeline
