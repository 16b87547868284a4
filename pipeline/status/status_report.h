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
  std::uint64_t split_objects = 0;   // of the plan; their objects exist only after `s3flow finish`
  std::optional<int> finish_status;  // exit status of the last `finish` of the plan

  std::vector<int> With(RunPhase phase) const;  // shard numbers
  // Returns the shards that have not run, are lost, or have ended with work left or failures. Leaves out
  // those whose process still holds the directory.
  std::vector<int> ShardsToRun() const;
  // Returns the lost shards whose process still holds the directory: it hangs, and must be ended first.
  std::vector<int> Hanging() const;
  // True if all shards have ended well, and `finish` has still to complete objects.
  bool NeedsFinish() const;
  // Returns true while a run is active or has not been started.
  bool IsInProgress() const;
  // Returns the longest time left of all runs, at least; nothing if it is unknown.
  std::optional<double> SecondsLeft() const;
  bool TimeIsMinimum() const;
  // 0: every input is uploaded or skipped. 1: all has ended, with failures. 75: work is left. 74: a directory
  // cannot be read.
  ExitStatus Status() const;
};

// Reads a run directory, a plan, or a directory with the shards of a job without a plan. Refuses other
// directories (66), and plans that cannot be trusted or read (74). `now_s`: see OwnDir::FileSystemTime.
tl::expected<StatusReport, Refusal> ReadStatus(const OwnDir& directory, std::int64_t now_s);

// Returns one JSON document. `indent`: -1 for one line.
std::string StatusReportJson(const StatusReport& report, int indent);

}  // namespace pipeline
