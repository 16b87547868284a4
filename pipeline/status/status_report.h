// The state of a run, or of all shards of a job, and what follows from it. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/status/run_view.h"

namespace pipeline {

struct StatusReport {
  std::string directory;
  bool has_shards = false;
  std::vector<RunView> runs;  // the run, or one for each shard
  // The sums over `runs`. With a plan, found and bytes_found come from the plan.
  LiveStatus total;
  std::uint64_t split_objects = 0;   // files that the plan splits; `s3flow finish` completes their objects
  std::optional<int> finish_status;  // exit status of the last `finish` of the plan

  std::vector<int> With(RunPhase phase) const;  // shard numbers
  // Returns the shards that have not run, are lost, or have ended with work left or failures. Leaves out
  // those whose process still holds the directory.
  std::vector<int> ShardsToRun() const;
  // Returns the lost shards whose process still holds the directory. Such a process hangs. The user must end
  // it before the shard can run again.
  std::vector<int> Hanging() const;
  // Returns true if all shards have ended without failures, and `finish` still has to complete the split
  // objects.
  bool NeedsFinish() const;
  // Returns true while a run is active or has not been started.
  bool IsInProgress() const;
  // Returns the longest time left of all active runs; nothing if it is unknown.
  std::optional<double> SecondsLeft() const;
  // Returns true if SecondsLeft() is only a lower bound: a walk goes on, a run is lost, or the time left of a
  // run is unknown.
  bool TimeIsMinimum() const;
  // Returns 0 if every input is uploaded or skipped, 1 if all runs have ended and some inputs failed, 75 if
  // work is left, 74 if a directory cannot be read.
  ExitStatus Status() const;
};

// Reads a run directory, a plan, or a directory with the shards of a job without a plan. Refuses other
// directories (66), and plans that cannot be trusted or read (74). `now_s`: see OwnDir::FileSystemTime.
tl::expected<StatusReport, Refusal> ReadStatus(const OwnDir& directory, std::int64_t now_s);

// Returns one JSON document. `indent`: -1 for one line.
std::string StatusReportJson(const StatusReport& report, int indent);

}  // namespace pipeline
