#include "pipeline/reports/report_data.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "pipeline/report/causes.h"
#include "pipeline/report/format.h"

namespace pipeline {
namespace {

constexpr double kSmallest = 1e-6;  // seconds; the limit of the first bucket
constexpr double kBucketsPerDoubling = 8;
constexpr std::size_t kMaxStored = 8192;  // bytes of a text that is kept; a line of a journal may have 16 MiB

bool IsSlower(const SlowObject& a, const SlowObject& b) { return a.seconds > b.seconds; }

std::array<SizeClass, 9> SizeClasses() {
  constexpr std::uint64_t kKiB = 1 << 10, kMiB = 1 << 20, kGiB = 1 << 30;
  std::array<SizeClass, 9> classes;
  const std::pair<std::uint64_t, const char*> limits[] = {
      {1, "empty"},
      {4 * kKiB, "under 4 KiB"},
      {64 * kKiB, "4 to 64 KiB"},
      {kMiB, "64 KiB to 1 MiB"},
      {16 * kMiB, "1 to 16 MiB"},
      {256 * kMiB, "16 to 256 MiB"},
      {4 * kGiB, "256 MiB to 4 GiB"},
      {64 * kGiB, "4 to 64 GiB"},
      {std::numeric_limits<std::uint64_t>::max(), "64 GiB and more"}};
  for (std::size_t i = 0; i < classes.size(); ++i) {
    classes[i].below_bytes = limits[i].first;
    classes[i].name = limits[i].second;
  }
  return classes;
}

void AddTo(const std::string& cause, std::string_view path, std::string_view message,
           std::map<std::string, CauseDetails>* causes) {
  auto& group =
      causes->size() < kMaxCauses || causes->contains(cause) ? (*causes)[cause] : (*causes)[kOtherCauses];
  if (group.count++ == 0) group.message = message;
  if (group.first_paths.size() < CauseDetails::kMaxPaths) group.first_paths.emplace_back(path);
}

// Adds what the last session of a run wrote to summary.json.
void AddSession(const SessionFacts& facts, Summary* summary) {
  summary->found_before += facts.found_before;
  summary->skipped_before += facts.skipped_before;
  summary->sent_before += facts.sent_before;
  summary->reused_parts += facts.reused_parts;
  summary->credential_renewals += facts.credential_renewals;
  summary->stragglers += facts.stragglers;
  summary->uploads_left += facts.uploads_left;
  summary->peak_memory_bytes = std::max(summary->peak_memory_bytes, facts.peak_memory_bytes);
}

// Sets where the run ran and what it uploaded to, unless an earlier run has set these fields.
void Identify(const RunRecords& run, Summary* summary) {
  const auto set = [](const std::string& value, std::string* field) {
    if (field->empty()) *field = value.substr(0, kMaxStored);
  };
  const auto& facts = run.last_session;
  set(facts.host, &summary->host);
  if (run.view.status) set(run.view.status->host, &summary->host);
  set(facts.endpoint, &summary->endpoint);
  set(facts.bucket, &summary->bucket);
  set(facts.prefix, &summary->prefix);
  set(facts.transport, &summary->transport);
  if (!run.run) return;
  set(run.run->job_file, &summary->job_file);
  set(run.run->scope.bucket, &summary->bucket);
  if (!run.run->scope.stores.empty()) set(run.run->scope.stores.front(), &summary->endpoint);
}

// Sets `*_before` so that the uploads of the last sessions are the rest, because the duration is theirs. If
// the duration is unknown, there is no rate, and nothing is "before".
void SplitUploads(const std::vector<RunRecords>& runs, Summary* summary) {
  const bool has_earlier = summary->session > 1;
  if (!has_earlier || summary->seconds.count() <= 0) {
    summary->uploaded_before = summary->uploaded_bytes_before = 0;
    return;
  }
  std::uint64_t uploaded = 0, bytes = 0;
  for (const auto& run : runs) {
    if (run.is_plan) continue;
    uploaded += run.last_session.uploaded_now;
    bytes += run.last_session.uploaded_bytes_now;
  }
  // Another program may have changed summary.json.
  summary->uploaded_before = summary->uploaded - std::min(summary->uploaded, uploaded);
  summary->uploaded_bytes_before = summary->uploaded_bytes - std::min(summary->uploaded_bytes, bytes);
}

// The duration of several runs is the time from the first start to the last end, because they may have run at
// the same time or one after the other. It is unknown if a resumed run has no summary.json, because then
// nobody knows what its last session uploaded.
void DescribeRuns(ReportData* data) {
  auto& summary = data->summary;
  const auto& runs = data->scope.runs;
  bool are_described = true;
  for (const auto& run : runs) {
    if (run.is_plan) continue;  // its sessions are those of `plan` and `finish`
    summary.session = std::max(summary.session, run.sessions);
    Identify(run, &summary);
    const auto started = run.StartedAt();
    if (started > 0 && (summary.started_s == 0 || started < summary.started_s)) summary.started_s = started;
    summary.ended_s = std::max(summary.ended_s, run.EndedAt());
    AddSession(run.last_session, &summary);
    are_described = are_described && run.last_session.session > 0;
  }
  const auto span = summary.started_s > 0 ? static_cast<double>(summary.ended_s - summary.started_s) : 0.0;
  const bool is_one = runs.size() == 1 && runs.front().end && runs.front().last_session.seconds > 0;
  const double seconds = is_one ? runs.front().last_session.seconds : span;
  const bool is_duration_known = are_described || summary.session == 1;
  summary.seconds = std::chrono::duration<double>(is_duration_known ? seconds : 0);
  SplitUploads(runs, &summary);
  summary.source_exhausted = data->IsComplete();
}

}  // namespace

void DurationHistogram::Add(double seconds) {
  const double place = std::ceil(std::log2(std::max(seconds, kSmallest) / kSmallest) * kBucketsPerDoubling);
  ++buckets_[std::min(static_cast<std::size_t>(place), buckets_.size() - 1)];
  ++count_;
  max_ = std::max(max_, seconds);
}

double DurationHistogram::Percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    below += buckets_[i];
    if (below < wanted || below == 0) continue;
    return std::min(max_, kSmallest * std::exp2(static_cast<double>(i) / kBucketsPerDoubling));
  }
  return max_;
}

void SlowestObjects::Add(double seconds, std::string_view path, std::uint64_t size_bytes, int attempts) {
  if (heap_.size() == kMax) {
    if (seconds <= heap_.front().seconds) return;
    std::pop_heap(heap_.begin(), heap_.end(), IsSlower);
    heap_.pop_back();
  }
  heap_.push_back({seconds, std::string(path), size_bytes, attempts});
  std::push_heap(heap_.begin(), heap_.end(), IsSlower);
}

std::vector<SlowObject> SlowestObjects::Sorted() const {
  auto objects = heap_;
  std::sort(objects.begin(), objects.end(), IsSlower);
  return objects;
}

bool ReportData::IsRunning() const {
  return std::any_of(scope.runs.begin(), scope.runs.end(), [](const auto& run) { return run.IsRunning(); });
}

bool ReportData::IsComplete() const {
  return scope.shards_not_run == 0 && summary.sent == 0 &&
         std::all_of(scope.runs.begin(), scope.runs.end(),
                     [](const auto& run) { return run.is_plan || run.IsComplete(); });
}

std::string_view ReportData::StateText() const {
  std::set<std::string_view> states;
  for (const auto& run : scope.runs) {
    if (!run.is_plan) states.insert(run.StateText());
  }
  if (scope.shards_not_run > 0) states.insert("not run");
  for (const auto* state : {"running", "killed", "stopped", "not run", "failed"}) {
    if (states.contains(state)) return state;
  }
  return summary.sent > 0 ? "sent" : "finished";
}

ReportData EmptyData(ReportScope scope) {
  ReportData data;
  data.scope = std::move(scope);
  data.sizes = SizeClasses();
  return data;
}

s3::Error ErrorOf(const ResultDetails& details) {
  return {.kind = s3::KindOf(details.kind).value_or(s3::ErrorKind::kPermanent),
          .message = details.message,
          .http_status = details.http_status,
          .code = details.code,
          .request_id = details.request_id};
}

void AddResult(const ResultRecord& record, const ResultDetails& details, ReportData* data) {
  const auto path = record.path.substr(0, kMaxStored);
  ObjectResult result;
  result.outcome = record.outcome;
  result.size_bytes = record.size_bytes;
  result.attempts = details.attempts;
  const bool has_failed = record.outcome == Outcome::kFailed;
  if (has_failed) result.error = ErrorOf(details);
  auto& summary = data->summary;
  ++summary.found;
  summary.found_bytes += record.size_bytes;
  summary.Count(result);
  if (record.outcome == Outcome::kSent) data->sent_objects.insert(InputIdOf(record.path, record.key));
  if (has_failed) {
    const auto cause = CauseOf(*result.error).substr(0, kMaxStored);
    AddTo(cause, path, std::string_view(details.message).substr(0, kMaxStored), &data->failures);
    AddCause(cause, path, &summary.failures);
  }
  if (record.outcome == Outcome::kSkipped) {
    const auto reason = details.reason.substr(0, kMaxStored);
    AddTo(reason, path, "", &data->skips);
    AddCause(Printable(reason), path, &summary.skips);
    return;
  }
  if (record.outcome == Outcome::kCancelled) return;
  const auto attempts = static_cast<std::size_t>(std::max(0, details.attempts));
  ++data->attempts[std::min(attempts, data->attempts.size() - 1)];
  if (has_failed) return;
  const auto size =
      std::find_if(data->sizes.begin(), data->sizes.end() - 1,
                   [&](const SizeClass& size_class) { return record.size_bytes < size_class.below_bytes; });
  ++size->count;
  size->bytes += record.size_bytes;
  size->seconds.Add(details.seconds);
  data->slowest.Add(details.seconds, path, record.size_bytes, details.attempts);
}

s3::Result<ReportData> CollectData(ReportScope scope) {
  auto data = EmptyData(std::move(scope));
  const auto results = MergedResults::Index(&data.scope.runs);
  if (!results) return tl::unexpected(results.error());
  const auto read =
      results->ForEach([&](const RunRecords&, const ResultRecord& result, const ResultDetails& details) {
        AddResult(result, details, &data);
        return true;
      });
  if (!read) return tl::unexpected(read.error());
  DescribeRuns(&data);
  return data;
}

}  // namespace pipeline
