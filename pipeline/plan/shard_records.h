// What the journal of one shard of a plan says about the inputs of its manifest.
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
  kRunning,     // now
  kUnfinished,  // stopped or killed with work left
  kEnded,       // every input has a result, some of them failures perhaps
};

struct ShardRecord {
  ShardState state = ShardState::kNotRun;
  // Of whole files. `left` have no result, or were cancelled.
  std::uint64_t uploaded = 0, skipped = 0, failed = 0, left = 0;
  std::uint64_t uploaded_bytes = 0;  // of these, and of ranges:
  std::uint64_t sent_bytes = 0;
  std::uint64_t ranges_sent = 0, ranges_failed = 0, ranges_left = 0;
  std::map<std::string, std::uint64_t> failures_by_kind;  // of ranges, too
  int sessions = 0;
  std::map<std::string, std::string> scheduler;  // of the last session

  bool HasWork() const { return state != ShardState::kEnded || failed + ranges_failed > 0; }
};

struct RangeSink {
  // A range that is in the store, with at least its parts.
  std::function<void(const InputFile& range, const PartRecords& parts)> sent;
  std::function<void(const InputFile& range)> failed;
};

// Reads journal and manifest, and compares them input by input. kLocal when one of them is damaged, or the
// journal is that of another shard or plan, or knows of inputs that the manifest has not. Memory: 40 bytes
// for each input, and the parts of its ranges, for as long as it reads.
s3::Result<ShardRecord> ReadShard(const OwnDir& plan_dir, const JobPlan& plan, int shard,
                                  const RangeSink& ranges);

}  // namespace pipeline
