// Compares the journal of one shard with its manifest, input by input.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/history.h"
#include "pipeline/plan/job_plan.h"

namespace pipeline {

enum class ShardState {
  kNotRun,
  kRunning,
  kUnfinished,  // stopped or killed with work left
  kEnded,       // every input has a result; some may be failures
};

struct ShardRecord {
  ShardState state = ShardState::kNotRun;
  // Counts of whole files. `left`: files without a result, and cancelled ones.
  std::uint64_t uploaded = 0, skipped = 0, failed = 0, left = 0;
  std::uint64_t uploaded_bytes = 0;  // of whole files and ranges
  std::uint64_t sent_bytes = 0;      // of ranges
  std::uint64_t ranges_sent = 0, ranges_failed = 0, ranges_left = 0;
  std::map<std::string, std::uint64_t> failures_by_kind;  // of whole files and ranges
  int sessions = 0;
  std::map<std::string, std::string> scheduler;  // of the last session

  bool HasWork() const { return state != ShardState::kEnded || failed + ranges_failed > 0; }
};

struct RangeSink {
  // Called when the range is in the store. `parts` has the parts of the range, and maybe others of the same
  // upload.
  std::function<void(const InputFile& range, const PartRecords& parts)> sent;
  std::function<void(const InputFile& range)> failed;
};

// Reads the records of one shard and passes its ranges to `ranges`. Fails with kLocal if journal or manifest
// is damaged, if the journal belongs to another shard or plan, or if it has results of inputs that are not in
// the manifest. Blocks. Memory until it returns: 40 bytes for each input, and the parts of the shard's
// ranges.
s3::Result<ShardRecord> ReadShard(const OwnDir& plan_dir, const JobPlan& plan, int shard,
                                  const RangeSink& ranges);

}  // namespace pipeline
