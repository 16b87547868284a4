// The end of a plan: completes the objects that several shards have sent, and proves that nothing is missing.
#pragma once

#include <string>
#include <vector>

#include "pipeline/journal/run_dir.h"
#include "pipeline/options.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/plan/new_inputs.h"
#include "pipeline/plan/shard_records.h"
#include "pipeline/report/summary.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/stop.h"
#include "s3/options.h"
#include "s3/transport/trace.h"

namespace pipeline {

struct FinishReport {
  ExitStatus status = kExitOk;
  std::string message;  // why it could not be told; empty when it could
  // Of all shards, by object. found = uploaded + skipped + failed + left.
  std::uint64_t found = 0, uploaded = 0, skipped = 0, failed = 0, left = 0;
  std::uint64_t uploaded_bytes = 0;
  std::map<std::string, std::uint64_t> failures_by_kind;  // of inputs, ranges among them
  std::uint64_t completed_now = 0;                        // objects of several shards, by this `finish`
  std::vector<std::string> problems;                      // of those that could not be completed; a line each
  std::vector<int> not_run, running, unfinished, with_failures;  // shards
  std::optional<NewInputs> appeared;  // since the plan; nothing when it was not asked for
  std::uint64_t sessions = 0;         // of all shards
  std::uint64_t uploads_left = 0;
  std::vector<int> shards_to_run() const;  // again, or at all
};

// May be called at any time, and again: what is completed is left alone, an answer that was lost is settled
// by asking for the object. `directory` is the plan's, opened. `check_source`: walks the source once more,
// for what has appeared. Blocks. Writes summary.json. Memory: that of ReadShard, and 200 bytes for each part
// of objects that are not completed. `trace` may be null.
FinishReport Finish(const JobPlan& plan, const Options& options, const s3::Options& s3_options,
                    const RunCredentials& credentials, const RunDirectory& directory, bool check_source,
                    StopControl* stop, s3::TraceLog* trace);

// A few lines for a person, and the command that runs again what is to be.
std::string FinishText(const FinishReport& report, const JobPlan& plan);

}  // namespace pipeline
