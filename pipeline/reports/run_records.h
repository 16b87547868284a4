// The run directories that a report covers, and what each of them says about its run as a whole. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/record.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/reports/session_files.h"
#include "pipeline/status/run_view.h"

namespace pipeline {

// One run directory: of a run, of one shard, or of a plan with its own journal.
struct RunRecords {
  OwnDir directory;
  // The position of the argument that named this run, from 0. A plan and its shards have the same position.
  int argument = 0;
  std::optional<int> shard;
  bool is_plan = false;  // the plan's own journal, which has the objects that `finish` completed
  RunView view;
  // From summary.json; empty if the last session has written none.
  SessionFacts last_session;

  // From the journal; MergedResults sets these fields, and clears `last_session` and `view.status` if they
  // are about an earlier session.
  int sessions = 0;
  std::optional<RunRecord> run;  // of the last session
  std::optional<EndRecord> end;  // of the last session; nothing if it has not ended
  // The results before this position are those of sessions before the last one that was complete.
  std::uint64_t complete_from = 0;
  std::uint64_t intact_bytes = 0, torn_bytes = 0;

  bool IsRunning() const { return view.phase == RunPhase::kActive; }
  bool IsComplete() const { return end && end->complete; }
  // True if the last session has ended, and inputs are left. With kExitOk only unfinished uploads are left.
  bool HasStoppedEarly() const { return end && !end->complete && end->status != kExitOk; }
  bool IsRehearsal() const { return run && run->scope.kind == RunKind::kRehearsal; }
  // Returns "running", "killed", "finished", "failed", "stopped" or "not run".
  std::string_view StateText() const;
  // Return the start and the end of the last session in s since 1970; 0 if it is unknown. The end of a
  // session that has not ended is its last sign of life.
  std::int64_t StartedAt() const;
  std::int64_t EndedAt() const;
};

struct ReportScope {
  std::vector<RunRecords> runs;
  // How many shards of a plan have no run directory yet.
  int shards_not_run = 0;

  // True if nothing of the runs is in a store.
  bool IsRehearsal() const;
};

// Opens the directories: runs, plans with all of their shards, and directories with the shards of a job
// without a plan. Refuses other directories (66), and those that cannot be trusted or read (74). A
// status.json without a status counts as missing. `now_s`: seconds since 1970. Blocks.
tl::expected<ReportScope, Refusal> OpenRuns(const std::vector<std::string>& directories, Trust trust,
                                            std::int64_t now_s);

// Refuses (66) rehearsals together with other runs, because their results would replace real ones. Call it
// when the fields from the journals are set.
tl::expected<void, Refusal> CheckKinds(const ReportScope& scope);

}  // namespace pipeline
