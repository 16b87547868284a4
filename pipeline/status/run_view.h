// One run, as its directory shows it to another process: from status.json and the lock. Only reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/run_lock.h"
#include "pipeline/report/live_status.h"

namespace pipeline {

enum class RunPhase {
  kNotRun,
  kActive,
  kLost,  // no end is recorded, and the lock is free or status.json is older than kSilence
  kEnded,
  kUnreadable,  // see RunView::problem
};

struct RunView {
  // If a run has not ended and its status.json is older than this, the run is lost: a living run writes
  // status.json every 2 s.
  static constexpr std::chrono::seconds kSilence = RunLock::kStale;

  RunPhase phase = RunPhase::kNotRun;
  std::optional<LiveStatus> status;  // the last one; nothing if the run has written none
  std::int64_t age_s = 0;            // of `status`
  bool is_locked = false;            // a process holds the directory, as far as this machine can tell
  std::string problem;               // why the directory cannot be read; else empty
  // True for a kUnreadable run whose status.json is trusted, but has no status, for example after a loss of
  // power. `is_locked` is known then.
  bool is_damaged = false;

  // The name of the phase, or of the state of an active or ended run: "running", "lost".
  std::string_view StateText() const;
  bool WorkLeft() const { return phase != RunPhase::kEnded || !status->complete; }
  bool HasFailures() const { return status && status->exit_status.value_or(0) != kExitOk; }
};

// Reads the run in `directory`. `now_s`: see OwnDir::FileSystemTime. Never blocks on a FIFO and follows no
// link in the directory. Returns kUnreadable if the directory's files are not trusted or cannot be read.
RunView ViewRun(const OwnDir& directory, std::int64_t now_s);

}  // namespace pipeline
