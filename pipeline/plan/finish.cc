#include "pipeline/plan/finish.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>

#include "pipeline/journal/record.h"
#include "pipeline/plan/parallel.h"
#include "pipeline/plan/shared_upload.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"
#include "pipeline/runtime/deadlines.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "pipeline/upload/property_rules.h"
#include "s3/stores/address.h"

namespace pipeline {
namespace {

// Problems shown; the journal has them all.
constexpr std::size_t kMaxProblems = 10;

class Finisher {
 public:
  Finisher(const JobPlan& plan, const RunDirectory& directory, ClientFactory* store,
           const PropertyRules& rules, StopControl* stop)
      : plan_(plan), directory_(directory), store_(store), rules_(rules), stop_(stop) {
    report_.found = plan.objects;
    const auto& done = directory.history()->settled();
    report_.uploaded = done.uploaded;
    report_.skipped = done.skipped;
    report_.uploaded_bytes = done.uploaded_bytes;
    for (auto& open : directory.history()->TakeUploads()) {
      const auto token = open.record.token;
      uploads_[token].open = std::move(open);
    }
  }

  s3::Result<FinishReport> Run() {
    for (int shard = 0; shard < static_cast<int>(plan_.shards.size()); ++shard) {
      if (stop_->cause()) return s3::Fail(s3::ErrorKind::kCancelled, stop_->message());
      if (auto read = Read(shard); !read) return tl::unexpected(read.error());
    }
    CountEnded();
    CompleteAll();
    report_.status = Status();
    if (report_.status == kExitOk) EndLost();
    return std::move(report_);
  }

 private:
  s3::Result<void> Read(int shard) {
    const RangeSink ranges{
        .sent =
            [this](const InputFile& range, const PartRecords& parts) {
              const auto joint = uploads_.find(range.range->token);
              if (joint == uploads_.end()) return;  // completed
              Know(range, &joint->second);
              for (int number = range.range->first; number <= range.range->last; ++number) {
                const auto& part = parts.at(number);
                joint->second.parts[number] = {number, part.bytes, part.etag, part.checksum};
              }
            },
        .failed =
            [this](const InputFile& range) {
              const auto joint = uploads_.find(range.range->token);
              if (joint != uploads_.end()) joint->second.range_failed = true;
            }};
    const auto read = ReadShard(directory_.dir(), plan_, shard, ranges);
    if (!read) return tl::unexpected(read.error());
    Add(shard, *read);
    return {};
  }

  // The file as a whole, from the first of its ranges.
  static void Know(const InputFile& range, SharedUpload* joint) {
    if (joint->file) return;
    auto whole = range;
    whole.range = nullptr;
    joint->file = std::make_shared<InputFile>(std::move(whole));
  }

  void Add(int shard, const ShardRecord& record) {
    report_.uploaded += record.uploaded;
    report_.uploaded_bytes += record.uploaded_bytes - record.sent_bytes;
    report_.skipped += record.skipped;
    report_.failed += record.failed;
    report_.left += record.left;
    report_.sessions += static_cast<std::uint64_t>(record.sessions);
    for (const auto& [kind, count] : record.failures_by_kind) report_.failures_by_kind[kind] += count;
    if (record.state == ShardState::kNotRun) report_.not_run.push_back(shard);
    if (record.state == ShardState::kRunning) report_.running.push_back(shard);
    if (record.state == ShardState::kUnfinished) report_.unfinished.push_back(shard);
    const bool ended = record.state == ShardState::kEnded;
    if (ended && record.failed + record.ranges_failed > 0) report_.with_failures.push_back(shard);
  }

  // Uploads that `clean` has ended: their objects will not be.
  void CountEnded() {
    const auto& done = directory_.history()->settled();
    const auto known = done.uploaded + done.skipped + uploads_.size();
    if (known >= plan_.cut_objects) return;  // more: Status() says that the counts do not add up
    const auto ended = plan_.cut_objects - known;
    report_.failed += ended;
    report_.problems.push_back(
        fmt::format("{} multipart uploads of this plan were ended (s3flow clean): make a new plan", ended));
  }

  void CompleteAll() {
    std::vector<const SharedUpload*> whole;
    for (const auto& [token, joint] : uploads_) {
      if (joint.IsWhole()) {
        whole.push_back(&joint);
      } else {
        ++(joint.range_failed ? report_.failed : report_.left);
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

  // Called by several threads.
  ObjectResult CompleteOne(const SharedUpload& joint) noexcept {
    ObjectResult result;
    result.file = joint.file;
    result.outcome = Outcome::kCancelled;
    try {
      if (stop_->drain_token().stop_requested()) return result;
      result = CompleteSharedUpload(joint, store_, directory_.journal(), rules_);
      const auto written = directory_.journal()->Append(ResultLine(result));
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
    const bool failed = result.outcome == Outcome::kFailed;
    ++(failed ? report_.failed : report_.left);
    if (failed) ++report_.failures_by_kind[std::string(s3::KindName(result.error->kind))];
    if (result.error) {
      report_.problems.push_back(
          fmt::format("{}: {}", Printable(result.file->path), Printable(result.error->message)));
    }
  }

  // What a CreateMultipartUpload whose answer was lost may have made.
  void EndLost() {
    s3::BlockingWaiter waiter;
    const auto client = store_->MakeClient(&waiter);
    const auto left = AbortOrphanedUploads(client.get(), store_->facts().Current()->clock_offset,
                                           directory_.history(), directory_.journal());
    report_.uploads_left = left.problems.size();
    for (const auto& problem : left.problems) report_.problems.push_back(problem);
  }

  ExitStatus Status() const {
    if (report_.found != report_.uploaded + report_.skipped + report_.failed + report_.left)
      return kExitBroken;
    if (directory_.journal()->failed()) return kExitJournal;
    if (stop_->cause() && report_.left > 0)
      return ExitStatusOf({.source_exhausted = false}, stop_->cause(), true);
    if (report_.left > 0 || !report_.running.empty()) return kExitStopped;
    return report_.failed > 0 ? kExitSomeFailed : kExitOk;
  }

  const JobPlan& plan_;
  const RunDirectory& directory_;
  ClientFactory* const store_;
  const PropertyRules& rules_;
  StopControl* const stop_;
  std::map<std::string, SharedUpload> uploads_;  // by token; not yet completed
  FinishReport report_;
};

FinishReport Unfinished(ExitStatus status, std::string message) {
  FinishReport report;
  report.status = status;
  report.message = std::move(message);
  return report;
}

std::string ReportJson(const FinishReport& report, const JobPlan& plan) {
  nlohmann::ordered_json json = {
      {"found", report.found},
      {"uploaded", report.uploaded},
      {"skipped", report.skipped},
      {"failed", report.failed},
      {"left", report.left},
      {"uploaded_bytes", report.uploaded_bytes},
      {"failures_by_kind", report.failures_by_kind},
      {"cut_objects", plan.cut_objects},
      {"completed_now", report.completed_now},
      {"uploads_left", report.uploads_left},
      {"shards", plan.shards.size()},
      {"shards_not_run", report.not_run},
      {"shards_running", report.running},
      {"shards_unfinished", report.unfinished},
      {"shards_with_failures", report.with_failures},
      {"shards_to_run", RangesText(report.shards_to_run())},
      {"sessions", report.sessions},
      {"plan", plan.id},
      {"exit_status", static_cast<int>(report.status)},
      {"version", S3FLOW_VERSION},
  };
  if (report.appeared) json["appeared"] = report.appeared->inputs;
  return json.dump(2) + "\n";
}

}  // namespace

std::vector<int> FinishReport::shards_to_run() const {
  std::vector<int> shards;
  for (const auto* some : {&not_run, &unfinished, &with_failures}) {
    shards.insert(shards.end(), some->begin(), some->end());
  }
  std::sort(shards.begin(), shards.end());
  return shards;
}

FinishReport Finish(const JobPlan& plan, const Options& options, const s3::Options& s3_options,
                    const RunCredentials& credentials, const RunDirectory& directory, bool check_source,
                    StopControl* stop, s3::TraceLog* trace) {
  const auto buckets = s3::ResolveBucket(s3_options.destination);
  if (!buckets) return Unfinished(kExitConfig, buckets.error().message);
  const auto rules = PropertyRules::Load(options.object);
  if (!rules) return Unfinished(kExitConfig, rules.error().message);
  ClientFactory store(s3_options, *buckets, credentials, {static_cast<int>(kParallelSteps)}, stop, trace,
                      PrintNote, nullptr, options.limits.outage);
  const Deadlines deadlines(options.limits, SlurmJobEnd(PrintNote), stop);
  auto report = Finisher(plan, directory, &store, *rules, stop).Run();
  if (!report) {
    const bool stopped = report.error().kind == s3::ErrorKind::kCancelled;
    return Unfinished(stopped ? ExitStatusOf({}, stop->cause(), false) : kExitJournal,
                      report.error().message);
  }
  if (check_source) {
    auto appeared = FindNewInputs(directory.dir(), plan, options.source, s3_options.destination.prefix,
                                  stop->drain_token());
    if (!appeared) return Unfinished(kExitStopped, appeared.error().message);
    report->appeared = std::move(*appeared);
  }
  auto written = directory.journal()->Append(EndLine({report->status, report->status == kExitOk}));
  if (written) written = directory.journal()->Sync();
  if (written) written = directory.dir().Write(kSummaryName, ReportJson(*report, plan), 0644);
  if (!written) {
    report->status = kExitJournal;
    report->message = "cannot write the records: " + written.error().message;
  }
  return std::move(*report);
}

std::string FinishText(const FinishReport& report, const JobPlan& plan) {
  auto text = fmt::format("{} found: {} uploaded, {} skipped, {} failed, {} left\n", report.found,
                          report.uploaded, report.skipped, report.failed, report.left);
  if (plan.cut_objects > 0) {
    text += fmt::format("{} objects of several shards, {} of them completed now\n", plan.cut_objects,
                        report.completed_now);
  }
  for (const auto& [kind, count] : report.failures_by_kind)
    text += fmt::format("failed, {}: {}\n", Printable(kind), count);
  for (std::size_t i = 0; i < report.problems.size(); ++i) {
    if (i == kMaxProblems) {
      text += fmt::format("and {} more; the journal has them all\n", report.problems.size() - i);
      break;
    }
    text += report.problems[i] + "\n";
  }
  if (report.appeared) {
    text += fmt::format("{} inputs have appeared since the plan{}\n", report.appeared->inputs,
                        report.appeared->inputs > 0 ? ", and are in no shard" : "");
    for (const auto& path : report.appeared->paths) text += fmt::format("appeared: {}\n", Printable(path));
  }
  const auto name = [&](const char* what, const std::vector<int>& shards) {
    if (!shards.empty()) text += fmt::format("shards {}: {}\n", what, RangesText(shards));
  };
  name("that have not run", report.not_run);
  name("that are running", report.running);
  name("that have work left", report.unfinished);
  name("with failures", report.with_failures);
  const auto again = report.shards_to_run();
  if (!again.empty()) text += fmt::format("to run again: sbatch --array={}\n", RangesText(again));
  if (report.status == kExitBroken) text += "BROKEN: the counts do not add up; this is a defect in s3flow\n";
  return text;
}

}  // namespace pipeline
