#include "pipeline/report/live_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/report/format.h"

namespace pipeline {
namespace {

constexpr int kSchema = 1;

std::optional<RunState> StateOf(std::string_view name) {
  const auto* const found = std::find_if(kRunStates.begin(), kRunStates.end(),
                                         [&](const auto& entry) { return entry.second == name; });
  return found != kRunStates.end() ? std::optional(found->first) : std::nullopt;
}

RunState StateOf(ExitStatus status) {
  if (status == kExitOk) return RunState::kFinished;
  return status == kExitStopped || status == kExitInterrupted ? RunState::kStopped : RunState::kFailed;
}

template <typename T>
nlohmann::ordered_json NullOr(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

// Throws std::exception if a required value is missing, or if a value has another type or is not valid.
LiveStatus Read(const nlohmann::json& json) {
  const auto count = [&](const char* key) { return json.value(key, std::uint64_t{0}); };
  LiveStatus status;
  status.state = StateOf(json.at("state").get<std::string>()).value();
  status.host = json.value("host", "");
  status.process = json.value("pid", 0);
  status.shard = json.value("shard", "");
  status.session = json.value("session", 1);
  status.started_s = ParseTimestamp(json.at("started").get<std::string>()).value();
  status.updated_s = ParseTimestamp(json.at("updated").get<std::string>()).value();
  status.found = count("found");
  status.uploaded = count("uploaded");
  status.skipped = count("skipped");
  status.failed = count("failed");
  status.cancelled = count("cancelled");
  status.sent = count("sent");
  status.all_found = json.value("walk_ended", false);
  const bool is_estimated = json.contains("expected") && !json.at("expected").is_null();
  if (is_estimated) status.expected = {count("expected"), count("bytes_expected")};
  status.bytes_found = count("bytes_found");
  status.bytes_done = count("bytes_done");
  status.bytes_left_out = count("bytes_left_out");
  status.retries = count("retries");
  status.throttled = count("throttled");
  status.in_flight = json.value("in_flight", 0);
  status.concurrency = json.value("concurrency", 0);
  status.bytes_per_s = json.value("bytes_per_second", 0.0);
  status.inputs_per_s = json.value("inputs_per_second", 0.0);
  const auto left = json.find("seconds_left");
  if (left != json.end() && !left->is_null()) status.seconds_left = left->get<double>();
  status.waiting_for = json.value("waiting_for", "");
  if (json.contains("exit_status")) status.exit_status = json.at("exit_status").get<int>();
  status.complete = json.value("complete", false);
  return status;
}

}  // namespace

std::string_view StateName(RunState state) {
  return std::find_if(kRunStates.begin(), kRunStates.end(),
                      [&](const auto& entry) { return entry.first == state; })
      ->second;
}

bool HasEnded(RunState state) {
  return state == RunState::kFinished || state == RunState::kFailed || state == RunState::kStopped;
}

std::optional<double> LiveStatus::Percent() const {
  // The store may have acknowledged bytes of streams, whose length is unknown.
  const bool is_length_known = bytes_done <= bytes_found;
  const auto all = All();
  return PercentDone(done(), all.inputs, bytes_done + bytes_left_out, is_length_known ? all.bytes : 0);
}

Work LiveStatus::All() const { return Extrapolate({found, bytes_found}, all_found ? Work{} : expected); }

void FillCounts(const Progress& now, const Summary& earlier, LiveStatus* status) {
  status->found = earlier.found + now.found;
  status->uploaded = earlier.uploaded + now.uploaded;
  status->skipped = earlier.skipped + now.skipped;
  status->failed = now.failed;
  status->cancelled = now.cancelled;
  status->sent = earlier.sent + now.sent;
  status->all_found = now.all_found;
  status->bytes_found = earlier.uploaded_bytes + now.found_bytes;
  status->bytes_done = earlier.uploaded_bytes + now.done_bytes;
  status->bytes_left_out = now.left_out_bytes;
  status->inputs_before = earlier.found;
  status->bytes_before = earlier.uploaded_bytes;
  status->retries = now.retries;
  status->in_flight = now.in_flight;
}

Sample SessionSample(const LiveStatus& status, double seconds) {
  const auto bytes = status.bytes_done - status.bytes_before;
  return {.seconds = seconds,
          .objects = status.done() - status.inputs_before,
          .bytes = bytes,
          .sent_bytes = bytes,
          .seconds_per_object = status.seconds_per_object};
}

LiveStatus FinalStatus(LiveStatus last, const Summary& summary, ExitStatus status) {
  last.state = StateOf(status);
  last.updated_s = summary.ended_s;
  last.found = summary.found;
  last.uploaded = summary.uploaded;
  last.skipped = summary.skipped;
  last.failed = summary.failed;
  last.cancelled = summary.cancelled;
  last.sent = summary.sent;
  last.all_found = summary.source_exhausted;
  last.bytes_found = summary.found_bytes;
  last.bytes_done = summary.uploaded_bytes;
  last.retries = summary.retries;
  last.in_flight = 0;
  const double seconds = std::max(summary.seconds.count(), 1e-3);
  last.bytes_per_s = static_cast<double>(summary.uploaded_bytes - summary.uploaded_bytes_before) / seconds;
  last.inputs_per_s =
      static_cast<double>(last.done() - std::min(last.done(), summary.found_before)) / seconds;
  last.seconds_left.reset();
  last.expected = {};
  last.waiting_for.clear();
  last.exit_status = status;
  last.complete = !summary.WorkLeft();
  return last;
}

std::string StatusJson(const LiveStatus& status) {
  const auto all = status.All();
  const auto if_known = [&](std::uint64_t total) {
    return status.knows_totals() ? nlohmann::ordered_json(total) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json json = {
      {"schema", kSchema},
      {"state", StateName(status.state)},
      {"host", status.host},
      {"pid", status.process},
      {"session", status.session},
      {"started", Timestamp(status.started_s)},
      {"updated", Timestamp(status.updated_s)},
      {"found", status.found},
      {"uploaded", status.uploaded},
      {"skipped", status.skipped},
      {"failed", status.failed},
      {"cancelled", status.cancelled},
      {"sent", status.sent},
      {"in_flight", status.in_flight},
      {"walk_ended", status.all_found},
      {"expected", if_known(all.inputs)},
      {"bytes_expected", if_known(all.bytes)},
      {"bytes_found", status.bytes_found},
      {"bytes_done", status.bytes_done},
      {"bytes_left_out", status.bytes_left_out},
      {"percent", NullOr(status.Percent())},
      {"bytes_per_second", status.bytes_per_s},
      {"inputs_per_second", status.inputs_per_s},
      {"seconds_left", NullOr(status.seconds_left)},
      {"seconds_left_is_minimum", !status.knows_totals()},
      {"retries", status.retries},
      {"throttled", status.throttled},
      {"concurrency", status.concurrency},
      {"waiting_for", status.waiting_for},
      {"version", S3FLOW_VERSION},
  };
  if (!status.shard.empty()) json["shard"] = status.shard;
  if (status.exit_status) json["exit_status"] = *status.exit_status;
  if (status.exit_status) json["complete"] = status.complete;
  // A host name or a server's message may be bytes that are not UTF-8.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

s3::Result<LiveStatus> ParseStatus(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto fail = [](const char* problem) { return s3::Fail(s3::ErrorKind::kLocal, problem); };
  if (!json.is_object() || !json.contains("schema")) return fail("is not a status of s3flow");
  try {
    if (json.at("schema").get<int>() != kSchema) return fail("was written by another version of s3flow");
    return Read(json);
  } catch (const std::exception&) {
    return fail("is damaged");
  }
}

}  // namespace pipeline
