#include "pipeline/plan/shard_records.h"

#include <fmt/format.h>

#include "pipeline/journal/run_lock.h"
#include "pipeline/plan/manifest.h"
#include "s3/part_plan.h"

namespace pipeline {
namespace {

s3::Result<ShardRecord> Refuse(const std::string& journal, std::string_view what) {
  return s3::Fail(s3::ErrorKind::kLocal, fmt::format("{}: {}", journal, what));
}

// Adds one input of the manifest; false when the journal calls it sent and has not all of its parts.
bool Tally(const InputFile& file, const History& history, const RangeSink& ranges, ShardRecord* record) {
  const auto standing = history.inputs().StateOf(file);
  const bool settled = standing == InputState::kDone,
             failed = standing == InputState::kFailed;
  if (!file.range) {
    if (failed) ++record->failed;
    if (!failed && !settled) ++record->left;
    return true;
  }
  if (failed) {
    ++record->ranges_failed;
    ranges.failed(file);
  } else if (!settled) {
    ++record->ranges_left;
  } else {
    ++record->ranges_sent;
    const auto plan = s3::PlanOfParts(file.size_bytes, file.range->part_bytes);
    const auto last = plan.Range(file.range->last);
    record->sent_bytes += last.offset + last.bytes - plan.Range(file.range->first).offset;
    const auto* parts = history.uploads().PartsOfPlan(file.range->token);
    for (int number = file.range->first; number <= file.range->last; ++number) {
      if (parts == nullptr || !parts->contains(number)) return false;
    }
    ranges.sent(file, *parts);
  }
  return true;
}

}  // namespace

s3::Result<ShardRecord> ReadShard(const OwnDir& plan_dir, const JobPlan& plan, int shard,
                                  const RangeSink& ranges) {
  const auto run_dir = plan_dir.FindDir(ShardRunDirName(shard));
  if (!run_dir) return tl::unexpected(run_dir.error());
  const bool running = *run_dir && RunLock::IsHeld(**run_dir);
  const auto history = *run_dir ? History::Load(**run_dir) : History();
  const auto journal = fmt::format("{}/{}", ShardRunDir(plan_dir.path(), shard), kJournalName);
  if (!history) return tl::unexpected(history.error());
  const auto expected = ShardTextOf(shard, static_cast<int>(plan.shards.size()), plan.id);
  if (history->run() && history->run()->shard != expected) {
    return Refuse(journal, fmt::format("is of shard {}, not {}", history->run()->shard, expected));
  }
  ShardRecord record;
  bool parts_known = true;
  std::uint64_t inputs = 0;
  const auto read = ReadManifest(plan_dir, shard, [&](const Input& input) {
    ++inputs;
    parts_known = parts_known && Tally(FileOf(input), *history, ranges, &record);
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  if (inputs != plan.shards[static_cast<std::size_t>(shard)].inputs) {
    return Refuse(plan_dir.PathOf(ManifestName(shard)),
                  "has not as many inputs as the plan: make the plan anew");
  }
  if (!parts_known) return Refuse(journal, "calls a range sent and has not all of its parts");
  const auto& settled = history->inputs().done();
  record.uploaded = settled.uploaded;
  record.skipped = settled.skipped;
  record.uploaded_bytes = settled.uploaded_bytes;
  record.failures_by_kind = history->inputs().unfinished().failures_by_kind;
  if (history->run()) {
    record.sessions = history->run()->session;
    record.scheduler = history->run()->scheduler;
  }
  const auto accounted = record.uploaded + record.skipped + record.failed + record.left + record.ranges_sent +
                         record.ranges_failed + record.ranges_left;
  if (accounted != inputs || settled.sent != record.ranges_sent) {
    return Refuse(journal,
                  fmt::format("accounts for {} of {} inputs: its results are not those of the manifest",
                              accounted, inputs));
  }
  record.state = running                                 ? ShardState::kRunning
                 : !history->run()                       ? ShardState::kNotRun
                 : record.left + record.ranges_left == 0 ? ShardState::kEnded
                                                         : ShardState::kUnfinished;
  return record;
}

}  // namespace pipeline
