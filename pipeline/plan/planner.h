// Makes a plan: walks once, cuts what is too large for one shard, deals all out, writes the plan's directory.
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

struct PlanOutcome {
  ExitStatus status = kExitOk;
  std::string message;  // why there is no plan; empty when there is
  JobPlan plan;
};

// Blocks. Sends requests only to create the multipart uploads of what is cut; when it ends without a plan it
// has aborted them, or a later `plan` into the same directory does, or `clean`. Refuses a directory that
// holds a plan, or other programs' files where it would put its own. Memory: 260 buffers of spooled lines, a
// round of the deal (a line for each shard), and 64 MiB of manifests, whatever the number of inputs. `trace`
// may be null.
PlanOutcome MakePlan(const PlanRequest& request, const Options& options, const s3::Options& s3_options,
                     const RunCredentials& credentials, StopControl* stop, s3::TraceLog* trace);

// A few lines for a person. With a rate of all shards together (0: none), how long the upload takes at least.
std::string PlanText(const JobPlan& plan, std::uint64_t bytes_per_second, std::uint64_t requests_per_second);

}  // namespace pipeline
