#include "pipeline/reports/session_files.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/journal/run_dir.h"
#include "pipeline/report/format.h"
#include "pipeline/timing/series.h"

namespace pipeline {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxSummaryBytes = 1 << 20;
constexpr std::size_t kMaxSeriesBytes = 16 << 20, kMaxSeriesLineBytes = 16 << 10;
constexpr int kMaxDepth = 8;  // of these files: 3
constexpr std::size_t kMaxSeriesPoints = 20'000;
constexpr std::size_t kMaxStates = 32, kMaxLatencies = 64;
constexpr std::size_t kMaxTextBytes = 4096;
constexpr double kMaxNumber = 1e18;

// Leaves out what is nested too deep, because a hostile file could take hundreds of bytes of memory for each
// of its bytes.
Json Parse(std::string_view text) {
  const auto is_wanted = [](int depth, Json::parse_event_t, const Json&) { return depth <= kMaxDepth; };
  return Json::parse(text, is_wanted, /*allow_exceptions=*/false);
}

const Json* Find(const Json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return found != json.end() ? &*found : nullptr;
}

double NumberOf(const Json& value) {
  const double number = value.is_number() ? value.get<double>() : 0;
  return std::isfinite(number) && number >= 0 && number <= kMaxNumber ? number : 0;
}

double Number(const Json& json, const char* name) {
  const auto* const value = Find(json, name);
  return value != nullptr ? NumberOf(*value) : 0;
}

std::uint64_t Count(const Json& json, const char* name) {
  return static_cast<std::uint64_t>(Number(json, name));
}

std::string Text(const Json& json, const char* name) {
  const auto* const value = Find(json, name);
  return value != nullptr && value->is_string() ? value->get<std::string>().substr(0, kMaxTextBytes) : "";
}

std::map<std::string, double> Numbers(const Json& json, const char* name) {
  std::map<std::string, double> numbers;
  const auto* const values = Find(json, name);
  if (values == nullptr || !values->is_object()) return numbers;
  for (const auto& [key, value] : values->items()) {
    if (numbers.size() < kMaxStates) numbers[key.substr(0, 64)] += NumberOf(value);
  }
  return numbers;
}

// Each pair has the seconds since the start, and the limit from then on.
int MaxSlots(const Json& json) {
  double max = 0;
  const auto* const values = Find(json, "slots");
  if (values == nullptr || !values->is_array()) return 0;
  for (const auto& pair : *values) {
    if (!pair.is_array() || pair.size() != 2) break;
    max = std::max(max, NumberOf(pair[1]));
  }
  return static_cast<int>(std::min(max, 1e6));
}

std::vector<LatencyRow> Latencies(const Json& json) {
  std::vector<LatencyRow> rows;
  const auto* const values = Find(json, "latency");
  if (values == nullptr || !values->is_array()) return rows;
  for (const auto& value : *values) {
    if (rows.size() >= kMaxLatencies) break;
    rows.push_back({.operation = Text(value, "operation"),
                    .size_class = Text(value, "size_class"),
                    .count = Count(value, "count"),
                    .p50_ms = Number(value, "p50_ms"),
                    .p90_ms = Number(value, "p90_ms"),
                    .p99_ms = Number(value, "p99_ms"),
                    .p999_ms = Number(value, "p999_ms"),
                    .max_ms = Number(value, "max_ms")});
  }
  return rows;
}

}  // namespace

SessionFacts ParseSessionFacts(std::string_view text) {
  SessionFacts facts;
  const auto json = Parse(text);
  if (!json.is_object()) return facts;
  facts.session = static_cast<int>(std::min(Number(json, "session"), 1e9));
  facts.started_s = ParseTimestamp(Text(json, "started")).value_or(0);
  facts.ended_s = ParseTimestamp(Text(json, "ended")).value_or(0);
  facts.seconds = Number(json, "seconds");
  facts.host = Text(json, "host");
  facts.job_file = Text(json, "job_file");
  facts.endpoint = Text(json, "endpoint");
  facts.bucket = Text(json, "bucket");
  facts.prefix = Text(json, "prefix");
  facts.transport = Text(json, "transport");
  facts.version = Text(json, "version");
  facts.peak_memory_bytes = Count(json, "peak_memory_bytes");
  facts.retries = Count(json, "retries");
  facts.reused_parts = Count(json, "reused_parts");
  facts.credential_renewals = Count(json, "credential_renewals");
  facts.stragglers = Count(json, "stragglers");
  facts.uploads_left = Count(json, "uploads_left");
  if (const auto* const earlier = Find(json, "earlier_sessions")) {
    facts.found_before = Count(*earlier, "found");
    facts.skipped_before = Count(*earlier, "skipped");
    facts.sent_before = Count(*earlier, "sent");
  }
  if (const auto* const now = Find(json, "this_session")) {
    facts.uploaded_now = Count(*now, "uploaded");
    facts.uploaded_bytes_now = Count(*now, "uploaded_bytes");
  }
  facts.max_slots = MaxSlots(json);
  facts.slot_seconds = Numbers(json, "slot_seconds");
  if (const auto* const verdict = Find(json, "verdict")) {
    facts.limit = Text(*verdict, "limit");
    facts.verdict = Text(*verdict, "text");
  }
  facts.latencies = Latencies(json);
  return facts;
}

std::vector<SessionPoint> ParseSeries(std::string_view lines) {
  std::vector<SessionPoint> points;
  while (!lines.empty() && points.size() < kMaxSeriesPoints) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (line.size() > kMaxSeriesLineBytes) break;
    const auto json = Parse(line);
    const auto* const time = Find(json, "t");
    if (time == nullptr || !time->is_number()) break;  // a running session may not have written all of it
    SessionPoint point{.t_s = NumberOf(*time),
                       .done = Number(json, "done"),
                       .done_bytes = Number(json, "done_bytes"),
                       .failed = Number(json, "failed"),
                       .retries = Number(json, "retries"),
                       .in_flight = Number(json, "in_flight"),
                       .slot_seconds = Numbers(json, "slots")};
    if (!points.empty() && point.t_s < points.back().t_s) break;
    if (!points.empty() && point.t_s == points.back().t_s) {
      for (const auto& [state, seconds] : points.back().slot_seconds) point.slot_seconds[state] += seconds;
      points.pop_back();
    }
    points.push_back(std::move(point));
  }
  return points;
}

SessionFacts ReadSessionFacts(const OwnDir& directory) {
  const auto text = directory.Text(kSummaryName, kMaxSummaryBytes);
  return text ? ParseSessionFacts(*text) : SessionFacts{};
}

std::vector<SessionPoint> ReadSeries(const OwnDir& directory) {
  const auto text = directory.Text(kSeriesName, kMaxSeriesBytes);
  return text ? ParseSeries(*text) : std::vector<SessionPoint>{};
}

}  // namespace pipeline
