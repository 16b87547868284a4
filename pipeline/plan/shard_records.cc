#include "pipeline/plan/shard_records.h"

#include <fmt/format.h>

#include "pipeline/journal/journal_file.h"
#include "pipeline/journal/run_lock.h"
#include "pipeline/plan/manifest.h"

namespace pipeline {
namespace {

s3::Result<ShardRecord> Refuse(const std::string& file, std::string_view problem) {
  return s3::Fail(s3::ErrorKind::kLocal, fmt::format("{}: {}", file, problem));
}

bool HasAllParts(const PartsOfPlan& range, const PartRecords* parts) {
  for (int number = range.first; number <= range.last; ++number) {
    if (parts == nullptr || !parts->contains(number)) return false;
  }
  return true;
}

// Adds the range to the counts of `record`, and passes it to `ranges` if it was sent or failed. Returns false
// if the journal says that the range was sent, but lacks records of some of its parts.
bool CountRange(const InputFile& file, InputState state, const History& history, const RangeSink& ranges,
                ShardRecord* record) {
  if (state == InputState::kFailed) {
    ++record->ranges_failed;
    ranges.failed(file);
    return true;
  }
  if (state != InputState::kDone) {
    ++record->ranges_left;
    return true;
  }
  ++record->ranges_sent;
  record->sent_bytes += BytesToUpload(file);
  const auto* parts = history.uploads().PartsOfPlan(file.range->token);
  if (!HasAllParts(*file.range, parts)) return false;
  ranges.sent(file, *parts);
  return true;
}

// Counts the file, unless it is done: ReadShard() takes the counts of done files from the journal.
void CountWholeFile(InputState state, ShardRecord* record) {
  if (state == InputState::kFailed) {
    ++record->failed;
  } else if (state != InputState::kDone) {
    ++record->left;
  }
}

ShardState StateOf(const ShardRecord& record, bool is_running, bool has_run) {
  if (is_running) return ShardState::kRunning;
  if (!has_run) return ShardState::kNotRun;
  return record.left + record.ranges_left == 0 ? ShardState::kEnded : ShardState::kUnfinished;
}

}  // namespace

s3::Result<ShardRecord> ReadShard(const OwnDir& plan_dir, const JobPlan& plan, int shard,
                                  const RangeSink& ranges) {
  const auto run_dir = plan_dir.FindDir(ShardRunDirName(shard));
  if (!run_dir) return tl::unexpected(run_dir.error());
  const bool is_running = *run_dir && RunLock::IsHeld(**run_dir, (*run_dir)->FileSystemTime());
  const auto history = *run_dir ? History::Load(**run_dir) : History();
  const auto journal = JournalPathIn(ShardRunDir(plan_dir.path(), shard));
  if (!history) return tl::unexpected(history.error());
  const auto& run = history->run();
  const auto expected = ShardTextOf(shard, static_cast<int>(plan.shards.size()), plan.id);
  if (run && run->shard != expected) {
    return Refuse(journal,
                  fmt::format("this journal is of shard {}, not {}: is its directory from another plan?",
                              run->shard, expected));
  }
  ShardRecord record;
  bool has_all_parts = true;
  std::uint64_t inputs = 0;
  const auto read = ReadManifest(plan_dir, shard, [&](const Input& input) {
    ++inputs;
    const auto& file = FileOf(input);
    const auto state = history->inputs().StateOf(file);
    if (file.range) {
      has_all_parts = has_all_parts && CountRange(file, state, *history, ranges, &record);
    } else {
      CountWholeFile(state, &record);
    }
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  if (inputs != plan.shards[static_cast<std::size_t>(shard)].inputs) {
    return Refuse(plan_dir.PathOf(ManifestName(shard)),
                  "the number of inputs differs from the one in plan.json: make a new plan");
  }
  if (!has_all_parts) {
    return Refuse(journal,
                  "this journal says that a range was sent, but lacks some of its parts: make a new plan");
  }
  const auto& done = history->inputs().done();
  record.uploaded = done.uploaded;
  record.skipped = done.skipped;
  record.uploaded_bytes = done.uploaded_bytes;
  record.failures_by_kind = history->inputs().unfinished().failures_by_kind;
  if (run) {
    record.sessions = run->session;
    record.scheduler = run->scheduler;
  }
  const auto files = record.uploaded + record.skipped + record.failed + record.left;
  const auto accounted = files + record.ranges_sent + record.ranges_failed + record.ranges_left;
  if (accounted != inputs || done.sent != record.ranges_sent) {
    return Refuse(journal, fmt::format("the results in this journal do not match the manifest ({} inputs "
                                       "counted, {} in the manifest): make a new plan",
                                       accounted, inputs));
  }
  record.state = StateOf(record, is_running, run.has_value());
  return record;
}

}  // namespace pipeline
