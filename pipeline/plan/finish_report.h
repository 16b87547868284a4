// The result of `finish`: counts of a plan's inputs, and the shards to run again. Only values and pure
// functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/plan/job_plan.h"
#include "pipeline/plan/new_inputs.h"
#include "pipeline/report/summary.h"

namespace pipeline {

struct FinishReport {
  ExitStatus status = kExitOk;
  std::string message;  // why there are no counts, or why they could not be saved; else empty
  // Objects of all shards; `left`: not yet finished. found = uploaded + skipped + failed + left.
  std::uint64_t found = 0, uploaded = 0, skipped = 0, failed = 0, left = 0;
  std::uint64_t uploaded_bytes = 0;
  std::map<std::string, std::uint64_t> failures_by_kind;  // of inputs, including ranges
  std::uint64_t completed_now = 0;                        // shared objects that this `finish` completed
  std::vector<std::string> problems;                      // one line each, such as objects not completed
  std::vector<int> not_run, running, unfinished, with_failures;  // shard numbers
  std::optional<NewInputs> new_inputs;                           // only with check_source
  std::uint64_t sessions = 0;                                    // of all shards
  std::uint64_t uploads_left = 0;  // multipart uploads that could not be aborted

  // Returns the shards that have not run, have work left or have failures, in ascending order.
  std::vector<int> shards_to_run() const;
};

// Returns the content of summary.json.
std::string FinishJson(const FinishReport& report, const JobPlan& plan);

// Returns the line with the command that runs these shards again under Slurm. Its word SCRIPT stands for the
// user's batch script. `directory` is that of the plan. Returns an empty text for no shards.
std::string RunAgainLine(const std::vector<int>& shards, const std::string& directory);

// Returns a few lines for a person. They include the command that runs shards_to_run() again.
std::string FinishText(const FinishReport& report, const JobPlan& plan, const std::string& directory);

}  // namespace pipeline
