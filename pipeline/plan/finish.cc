#include "pipeline/plan/finish.h"

#include <fmt/format.h>

#include <mutex>

#include "pipeline/journal/record.h"
#include "pipeline/plan/shard_records.h"
#include "pipeline/plan/shared_upload.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"
#include "pipeline/runtime/deadlines.h"
#include "pipeline/runtime/parallel.h"
#include "pipeline/runtime/scheduler.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "pipeline/upload/property_rules.h"
#include "s3/base/printable.h"
#include "s3/stores/address.h"

namespace pipeline {
namespace {

class Finisher {
 public:
  Finisher(const JobPlan& plan, const RunDirectory& directory, ClientFactory* store,
           const PropertyRules& rules, StopControl* stop, JournalDetail detail)
      : plan_(plan), directory_(directory), store_(store), rules_(rules), stop_(stop), detail_(detail) {
    report_.found = plan.objects;
    // The plan's own journal has the results of earlier calls.
    const auto& done = directory.history()->inputs().done();
    report_.uploaded = done.uploaded;
    report_.skipped = done.skipped;
    report_.uploaded_bytes = done.uploaded_bytes;
    for (auto& open : directory.history()->uploads().TakeAll()) {
      const auto token = open.record.token;
      uploads_[token].open = std::move(open);
    }
  }

  s3::Result<FinishReport> Run() {
    for (int shard = 0; shard < static_cast<int>(plan_.shards.size()); ++shard) {
      if (stop_->cause()) return s3::Fail(s3::ErrorKind::kCancelled, stop_->message());
      if (auto read = Read(shard); !read) return tl::unexpected(read.error());
    }
    CountAbortedUploads();
    CompleteAll();
    report_.status = Status();
    if (report_.status == kExitOk) AbortOrphans();
    return std::move(report_);
  }

 private:
  s3::Result<void> Read(int shard) {
    const RangeSink ranges{
        .sent = [this](const InputFile& range, const PartRecords& parts) { AddParts(range, parts); },
        .failed =
            [this](const InputFile& range) {
              if (auto* upload = FindUpload(range)) upload->range_failed = true;
            }};
    return ReadShard(directory_.dir(), plan_, shard, ranges).map([&](const ShardRecord& record) {
      Count(shard, record);
    });
  }

  // Returns the range's shared upload; null if the upload was completed or aborted earlier.
  SharedUpload* FindUpload(const InputFile& range) {
    const auto upload = uploads_.find(range.range->token);
    return upload != uploads_.end() ? &upload->second : nullptr;
  }

  void AddParts(const InputFile& range, const PartRecords& parts) {
    auto* const upload = FindUpload(range);
    if (upload == nullptr) return;
    if (!upload->file) {
      auto whole = range;
      whole.range = nullptr;
      upload->file = std::make_shared<InputFile>(std::move(whole));
    }
    for (int number = range.range->first; number <= range.range->last; ++number) {
      const auto& part = parts.at(number);
      upload->parts[number] = {number, part.bytes, part.etag, part.checksum};
    }
  }

  void Count(int shard, const ShardRecord& record) {
    report_.uploaded += record.uploaded;
    report_.uploaded_bytes += record.uploaded_bytes - record.sent_bytes;
    report_.skipped += record.skipped;
    report_.failed += record.failed;
    report_.left += record.left;
    report_.sessions += static_cast<std::uint64_t>(record.sessions);
    for (const auto& [kind, count] : record.failures_by_kind) report_.failures_by_kind[kind] += count;
    switch (record.state) {
      case ShardState::kNotRun: report_.not_run.push_back(shard); break;
      case ShardState::kRunning: report_.running.push_back(shard); break;
      case ShardState::kUnfinished: report_.unfinished.push_back(shard); break;
      case ShardState::kEnded:
        if (record.failed + record.ranges_failed > 0) report_.with_failures.push_back(shard);
        break;
    }
  }

  // Counts the objects of aborted uploads as failed. An upload that is neither completed nor open was aborted
  // by `clean`.
  void CountAbortedUploads() {
    const auto& done = directory_.history()->inputs().done();
    const auto known = done.uploaded + done.skipped + uploads_.size();
    if (known >= plan_.cut_objects) return;  // if `known` is greater, Status() returns kExitBroken
    const auto aborted = plan_.cut_objects - known;
    report_.failed += aborted;
    report_.problems.push_back(fmt::format(
        "{} aborted by s3flow clean: make a new plan",
        Counted(aborted, "multipart upload of this plan was", "multipart uploads of this plan were")));
  }

  void CompleteAll() {
    std::vector<const SharedUpload*> whole;
    for (const auto& [token, upload] : uploads_) {
      if (upload.IsWhole()) {
        whole.push_back(&upload);
      } else if (upload.range_failed) {
        ++report_.failed;
      } else {
        ++report_.left;
      }
    }
    std::mutex mutex;
    ForEachInParallel(whole.size(), [&](std::size_t i) {
      const auto result = CompleteOne(*whole[i]);
      const std::lock_guard lock(mutex);
      Count(result);
      return true;
    });
  }

  // Thread-safe.
  ObjectResult CompleteOne(const SharedUpload& upload) noexcept {
    ObjectResult result;
    result.file = upload.file;
    result.outcome = Outcome::kCancelled;
    try {
      if (stop_->drain_token().stop_requested()) return result;
      result = CompleteSharedUpload(upload, store_, directory_.journal(), rules_);
      const auto written = directory_.journal()->Append(ResultLine(result, detail_));
      if (written) return result;
      result.outcome = Outcome::kCancelled;
      result.error = written.error();
    } catch (const std::exception& error) {
      result.error = s3::Error{.kind = s3::ErrorKind::kLocal, .message = error.what()};
    }
    return result;
  }

  void Count(const ObjectResult& result) {
    if (result.outcome == Outcome::kUploaded) {
      ++report_.uploaded;
      ++report_.completed_now;
      report_.uploaded_bytes += result.size_bytes;
      return;
    }
    if (result.outcome == Outcome::kSkipped) {
      ++report_.skipped;
      return;
    }
    if (result.outcome == Outcome::kFailed) {
      ++report_.failed;
      ++report_.failures_by_kind[std::string(s3::KindName(result.error->kind))];
    } else {
      ++report_.left;
    }
    if (result.error) {
      report_.problems.push_back(
          fmt::format("{}: {}", s3::Printable(result.file->path), s3::Printable(result.error->message)));
    }
  }

  // Aborts the uploads that a CreateMultipartUpload may have created although its response was lost.
  void AbortOrphans() {
    s3::BlockingWaiter waiter;
    const auto client = store_->MakeClient(&waiter);
    const auto orphans = AbortOrphanedUploads(client.get(), store_->facts().Current()->clock_offset,
                                              directory_.history(), directory_.journal());
    report_.uploads_left = orphans.problems.size();
    for (const auto& problem : orphans.problems) report_.problems.push_back(problem);
  }

  ExitStatus Status() const {
    const auto counted = report_.uploaded + report_.skipped + report_.failed + report_.left;
    if (report_.found != counted) return kExitBroken;
    if (directory_.journal()->failed()) return kExitJournal;
    if (stop_->cause() && report_.left > 0) {
      return ExitStatusOf({.source_exhausted = false}, stop_->cause(), true);
    }
    if (report_.left > 0 || !report_.running.empty()) return kExitStopped;
    return report_.failed > 0 ? kExitSomeFailed : kExitOk;
  }

  const JobPlan& plan_;
  const RunDirectory& directory_;
  ClientFactory* const store_;
  const PropertyRules& rules_;
  StopControl* const stop_;
  const JournalDetail detail_;
  std::map<std::string, SharedUpload> uploads_;  // not yet completed, by token
  FinishReport report_;
};

FinishReport WithoutCounts(ExitStatus status, std::string message) {
  FinishReport report;
  report.status = status;
  report.message = std::move(message);
  return report;
}

// Records the end of this `finish` in the plan's journal, and writes the report to summary.json.
s3::Result<void> Save(const FinishReport& report, const JobPlan& plan, const RunDirectory& directory) {
  auto written = directory.journal()->Append(EndLine({report.status, report.status == kExitOk}));
  if (written) written = directory.journal()->Sync();
  if (written) written = directory.dir().Write(kSummaryName, FinishJson(report, plan), 0644);
  return written;
}

}  // namespace

FinishReport Finish(const JobPlan& plan, const Options& options, const s3::Options& s3_options,
                    const RunCredentials& credentials, const RunDirectory& directory, bool check_source,
                    StopControl* stop, s3::TraceLog* trace) {
  const auto buckets = s3::ResolveBucket(s3_options.destination);
  if (!buckets) return WithoutCounts(kExitConfig, buckets.error().message);
  const auto rules = PropertyRules::Load(options.object);
  if (!rules) return WithoutCounts(kExitConfig, rules.error().message);
  ClientFactory store(s3_options, *buckets, credentials, {static_cast<int>(kParallelSteps)}, stop, trace,
                      PrintNote, nullptr, options.limits.outage);
  const Deadlines deadlines(options.limits, SlurmJobEnd(PrintNote), stop);
  auto report = Finisher(plan, directory, &store, *rules, stop, options.report.journal).Run();
  if (!report) {
    const bool stopped = report.error().kind == s3::ErrorKind::kCancelled;
    return WithoutCounts(stopped ? ExitStatusOf({}, stop->cause(), false) : kExitJournal,
                         report.error().message);
  }
  if (check_source) {
    auto found = FindNewInputs(directory.dir(), plan, options.source, s3_options.destination.prefix,
                               stop->drain_token());
    if (!found) {
      const auto kind = found.error().kind;
      const auto otherwise = kind == s3::ErrorKind::kLocal ? kExitNoInput : kExitStopped;
      return WithoutCounts(kind == s3::ErrorKind::kUnsupported ? kExitUsage : otherwise,
                           found.error().message);
    }
    report->new_inputs = std::move(*found);
  }
  if (const auto saved = Save(*report, plan, directory); !saved) {
    report->status = kExitJournal;
    report->message = "cannot write the plan's journal or its summary.json: " + saved.error().message;
  }
  return std::move(*report);
}

}  // namespace pipeline
