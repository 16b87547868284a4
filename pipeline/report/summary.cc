#include "pipeline/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/report/format.h"

namespace pipeline {

void Summary::Count(const ObjectResult& result) {
  reused_parts += static_cast<std::uint64_t>(result.reused_parts);
  if (result.attempts > 1) retries += static_cast<std::uint64_t>(result.attempts - 1);
  switch (result.outcome) {
    case Outcome::kUploaded:
      ++uploaded;
      uploaded_bytes += result.size_bytes;
      break;
    case Outcome::kSent:
      ++sent;
      uploaded_bytes += result.size_bytes;
      break;
    case Outcome::kSkipped: ++skipped; break;
    case Outcome::kCancelled: ++cancelled; break;
    case Outcome::kFailed:
      ++failed;
      ++failures_by_kind[std::string(
          s3::KindName(result.error ? result.error->kind : s3::ErrorKind::kPermanent))];
      break;
  }
}

void Summary::CountCause(const ObjectResult& result) {
  const bool has_failed = result.outcome == Outcome::kFailed && result.error;
  if (has_failed) AddCause(CauseOf(*result.error), result.file->path, &failures);
  if (result.outcome == Outcome::kSkipped) AddCause(result.reason, result.file->path, &skips);
}

void Summary::AddEarlier(const Summary& earlier) {
  found += earlier.found;
  found_bytes += earlier.uploaded_bytes;
  uploaded += earlier.uploaded;
  skipped += earlier.skipped;
  sent += earlier.sent;
  uploaded_bytes += earlier.uploaded_bytes;
  found_before = earlier.found;
  uploaded_before = earlier.uploaded;
  skipped_before = earlier.skipped;
  sent_before = earlier.sent;
  uploaded_bytes_before = earlier.uploaded_bytes;
}

ExitStatus ExitStatusOf(const Summary& summary, std::optional<StopCause> stopped, bool may_be_empty) {
  // If nobody stopped the run and the source ended early, inputs are missing.
  const bool has_lost_inputs = !stopped && !summary.source_exhausted;
  if (!summary.AddsUp() || has_lost_inputs) return kExitBroken;
  if (stopped == StopCause::kJournalFailed) return kExitJournal;
  if (stopped == StopCause::kRefused) return kExitRefused;
  if (stopped == StopCause::kTooManyFailures) return kExitSomeFailed;
  if (stopped && summary.WorkLeft()) {
    return stopped == StopCause::kInterrupt ? kExitInterrupted : kExitStopped;
  }
  if (summary.found == 0) return may_be_empty ? kExitOk : kExitNoInput;
  if (summary.failed == 0) return kExitOk;
  const auto denied = summary.failures_by_kind.find("access_denied");
  const bool all_denied = denied != summary.failures_by_kind.end() && denied->second == summary.found;
  return all_denied ? kExitRefused : kExitSomeFailed;
}

ExitStatus ExitStatusOf(StopCause stopped) { return ExitStatusOf(Summary{}, stopped, false); }

namespace {

// Returns the line that says whether the run succeeded. A run in which everything was uploaded needs no line,
// because its counts say so.
std::string EndingOf(const Summary& summary, std::optional<StopCause> stopped) {
  if (stopped && summary.WorkLeft()) return "STOPPED before the end: work is left\n";
  if (summary.failed == 0) return "";
  return fmt::format("FAILED: {} of {}\n", Counted(summary.failed, "input", "inputs"), summary.found);
}

nlohmann::ordered_json SlotSecondsJson(const s3::BySlotState<double>& slot_seconds) {
  nlohmann::ordered_json json;
  for (std::size_t i = 0; i < s3::kSlotStates; ++i) {
    json[std::string(s3::NameOf(static_cast<s3::SlotState>(i)))] = std::max(slot_seconds.values[i], 0.0);
  }
  return json;
}

nlohmann::ordered_json LatencyJson(const std::vector<s3::LatencyStats>& latency) {
  auto json = nlohmann::ordered_json::array();
  for (const auto& stats : latency) {
    json.push_back({{"operation", stats.operation},
                    {"size_class", stats.size_class},
                    {"count", stats.count},
                    {"p50_ms", stats.p50_ms},
                    {"p90_ms", stats.p90_ms},
                    {"p99_ms", stats.p99_ms},
                    {"p999_ms", stats.p999_ms},
                    {"max_ms", stats.max_ms}});
  }
  return json;
}

}  // namespace

std::string HumanSummary(const Summary& summary, std::optional<StopCause> stopped) {
  const auto bytes = static_cast<double>(summary.uploaded_bytes - summary.uploaded_bytes_before);
  const auto objects = static_cast<double>(summary.uploaded - summary.uploaded_before);
  const double seconds = summary.seconds.count();
  auto text = EndingOf(summary, stopped);
  text += fmt::format("{} found: {} uploaded, {} skipped, {} failed, {} cancelled\n", summary.found,
                      summary.uploaded, summary.skipped, summary.failed, summary.cancelled);
  const auto retries = Counted(summary.retries, "retry", "retries");
  if (seconds > 0) {
    text += fmt::format("{} in {:.2f} s: {}/s, {:.0f} objects/s, {}\n", HumanBytes(bytes), seconds,
                        HumanBytes(bytes / seconds), objects / seconds, retries);
  } else {
    text += fmt::format("{} uploaded, {}\n", HumanBytes(bytes), retries);  // its duration is unknown
  }
  if (!summary.verdict.text.empty()) text += summary.verdict.text + "\n";
  if (summary.sent > 0) {
    text += fmt::format("{} sent: run s3flow finish to complete {}\n",
                        Counted(summary.sent, "range of parts", "ranges of parts"),
                        summary.sent == 1 ? "its object" : "their objects");
  }
  if (summary.session > 1) {
    text += fmt::format("{} done by earlier sessions, {} of unfinished uploads reused\n",
                        Counted(summary.found_before, "input", "inputs"),
                        Counted(summary.reused_parts, "part", "parts"));
  }
  if (summary.credential_renewals > 0) {
    text += fmt::format("credentials renewed: {}\n", summary.credential_renewals);
  }
  if (summary.stragglers > 0) {
    text += fmt::format("slow requests sent again: {}\n", summary.stragglers);
  }
  constexpr std::size_t kMaxFailures = 3, kMaxSkips = 2;  // so that the text has fewer than 15 lines
  text += CausesText("failed", summary.failures, kMaxFailures);
  text += CausesText("skipped", summary.skips, kMaxSkips);
  if (stopped && !summary.source_exhausted) {
    text += "stopped early: the counts above leave out the inputs that s3flow had not reached yet\n";
  }
  if (summary.uploads_left > 0) {
    text += fmt::format("{} could not be aborted: run s3flow clean to try again\n",
                        Counted(summary.uploads_left, "multipart upload", "multipart uploads"));
  }
  if (!summary.AddsUp()) text += "BROKEN: the counts do not add up: report this defect, keep the journal\n";
  return text;
}

nlohmann::ordered_json SharedJson(const Summary& summary) {
  return {
      {"found", summary.found},
      {"uploaded", summary.uploaded},
      {"skipped", summary.skipped},
      {"failed", summary.failed},
      {"cancelled", summary.cancelled},
      {"sent", summary.sent},
      {"uploaded_bytes", summary.uploaded_bytes},
      {"found_bytes", summary.found_bytes},
      {"session", summary.session},
      {"reused_parts", summary.reused_parts},
      {"retries", summary.retries},
      {"credential_renewals", summary.credential_renewals},
      {"stragglers", summary.stragglers},
      {"transport", summary.transport},
      {"uploads_left", summary.uploads_left},
      {"failures_by_kind", summary.failures_by_kind},
      {"seconds", summary.seconds.count()},
      {"host", summary.host},
      {"job_file", summary.job_file},
      {"endpoint", summary.endpoint},
      {"bucket", summary.bucket},
      {"prefix", summary.prefix},
      {"peak_memory_bytes", summary.peak_memory_bytes},
      {"version", S3FLOW_VERSION},
  };
}

std::string SummaryJson(const Summary& summary, ExitStatus status) {
  auto json = SharedJson(summary);
  json.update({
      {"settled_before", summary.found_before},
      {"uploaded_bytes_before", summary.uploaded_bytes_before},
      {"this_session",
       {{"found", summary.found - summary.found_before},
        {"uploaded", summary.uploaded - summary.uploaded_before},
        {"skipped", summary.skipped - summary.skipped_before},
        {"failed", summary.failed},
        {"cancelled", summary.cancelled},
        {"sent", summary.sent - summary.sent_before},
        {"uploaded_bytes", summary.uploaded_bytes - summary.uploaded_bytes_before}}},
      {"earlier_sessions",
       {{"found", summary.found_before},
        {"uploaded", summary.uploaded_before},
        {"skipped", summary.skipped_before},
        {"sent", summary.sent_before},
        {"uploaded_bytes", summary.uploaded_bytes_before}}},
      {"complete", summary.source_exhausted && summary.cancelled == 0},
      {"started", Timestamp(summary.started_s)},
      {"ended", Timestamp(summary.ended_s)},
      {"slots", summary.slots},
      {"slot_seconds", SlotSecondsJson(summary.slot_seconds)},
      {"verdict", {{"limit", summary.verdict.limit}, {"text", summary.verdict.text}}},
      {"latency", LatencyJson(summary.latency)},
      {"exit_status", static_cast<int>(status)},
  });
  if (!summary.shard.empty()) json["shard"] = summary.shard;
  if (!summary.scheduler.empty()) json["scheduler"] = summary.scheduler;
  // The name of a job file or a host may be bytes that are not UTF-8.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace pipeline
