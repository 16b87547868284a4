#include "pipeline/reports/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "pipeline/report/format.h"

namespace pipeline {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::optional<StopCause> StoppedBy(const ReportData& data) {
  for (const auto& run : data.scope.runs) {
    if (run.is_plan || !run.HasStoppedEarly()) continue;
    return run.end->status == kExitInterrupted ? StopCause::kInterrupt : StopCause::kTerminate;
  }
  return std::nullopt;
}

// Returns true if the last session of a resumed run has written no summary.json.
bool LacksSummary(const ReportScope& scope) {
  return std::any_of(scope.runs.begin(), scope.runs.end(), [](const auto& run) {
    return !run.is_plan && run.sessions > 1 && run.last_session.session == 0;
  });
}

OrderedJson CausesJson(const std::map<std::string, CauseDetails>& causes) {
  auto json = OrderedJson::array();
  for (const auto& [cause, group] : causes) {
    json.push_back({{"cause", cause}, {"count", group.count}, {"first_paths", group.first_paths}});
    if (!group.message.empty()) json.back()["first_message"] = group.message;
  }
  return json;
}

OrderedJson SizesJson(const ReportData& data) {
  auto json = OrderedJson::array();
  for (const auto& size : data.sizes) {
    if (size.count == 0) continue;
    json.push_back({{"size_class", size.name},
                    {"count", size.count},
                    {"bytes", size.bytes},
                    {"p50_s", size.seconds.Percentile(0.5)},
                    {"p90_s", size.seconds.Percentile(0.9)},
                    {"p99_s", size.seconds.Percentile(0.99)},
                    {"max_s", size.seconds.max()}});
  }
  return json;
}

OrderedJson RunJson(const RunRecords& run) {
  OrderedJson json = {
      {"directory", run.directory.path()}, {"state", run.StateText()}, {"sessions", run.sessions}};
  if (run.shard) json["shard"] = *run.shard;
  if (run.is_plan) json["is_plan"] = true;
  if (run.end) json["exit_status"] = run.end->status;
  json["complete"] = run.IsComplete();
  if (run.StartedAt() > 0) json["started"] = Timestamp(run.StartedAt());
  if (run.EndedAt() > 0) json["ended"] = Timestamp(run.EndedAt());
  if (!run.last_session.host.empty()) json["host"] = run.last_session.host;
  if (run.run && !run.run->scheduler.empty()) json["scheduler"] = run.run->scheduler;
  if (!run.last_session.slot_seconds.empty()) json["slot_seconds"] = run.last_session.slot_seconds;
  for (const auto& row : run.last_session.latencies) {
    json["latency"].push_back({{"operation", row.operation},
                               {"size_class", row.size_class},
                               {"count", row.count},
                               {"p50_ms", row.p50_ms},
                               {"p90_ms", row.p90_ms},
                               {"p99_ms", row.p99_ms},
                               {"p999_ms", row.p999_ms},
                               {"max_ms", row.max_ms}});
  }
  if (!run.last_session.verdict.empty()) {
    json["verdict"] = {{"limit", run.last_session.limit}, {"text", run.last_session.verdict}};
  }
  return json;
}

// Returns nothing if no line is needed, because the run has ended, or HumanSummary() says why it has not.
std::string UnfinishedLine(const ReportData& data) {
  if (data.IsRunning()) return "RUNNING: the counts below are those so far\n";
  const auto state = data.StateText();
  if (state == "killed")
    return "KILLED before the end: work is left, and the counts below are those so far\n";
  if (state == "not run") {
    return fmt::format(
        "UNFINISHED: {} not run yet\n",
        Counted(static_cast<std::uint64_t>(data.scope.shards_not_run), "shard has", "shards have"));
  }
  if (state == "sent") {
    return fmt::format("SENT: run s3flow finish to complete {}\n",
                       Counted(data.sent_objects.size(), "object", "objects"));
  }
  return "";
}

}  // namespace

std::vector<std::string> ReportNotes(const ReportScope& scope) {
  std::vector<std::string> notes;
  if (scope.IsRehearsal()) notes.emplace_back("this was a rehearsal: nothing of it is in a store");
  bool has_plan = false, has_run_without_plan = false;
  for (const auto& run : scope.runs) {
    const auto& path = run.directory.path();
    has_plan = has_plan || run.is_plan;
    has_run_without_plan = has_run_without_plan || (!run.is_plan && !run.shard);
    if (run.is_plan) continue;
    if (run.IsRunning()) {
      notes.push_back(
          fmt::format("{}: this run has not ended: the report covers its results so far", Printable(path)));
    } else if (!run.end) {
      notes.push_back(fmt::format("{}: this run was killed: the report covers the results that it recorded",
                                  Printable(path)));
    } else if (run.HasStoppedEarly()) {
      notes.push_back(fmt::format("{}: this run stopped before its end (exit status {}): work is left",
                                  Printable(path), run.end->status));
    }
    if (run.view.is_damaged) {
      notes.push_back(fmt::format("{}: the report does not use this file", Printable(run.view.problem)));
    }
    if (run.torn_bytes > 0 && !run.IsRunning()) {
      notes.push_back(fmt::format("{}: the last line of the journal is torn, and left out", Printable(path)));
    }
  }
  if (scope.shards_not_run > 0) {
    notes.push_back(
        fmt::format("{} not run yet, so their inputs are not in the report",
                    Counted(static_cast<std::uint64_t>(scope.shards_not_run), "shard has", "shards have")));
  }
  if (has_plan && has_run_without_plan) {
    notes.emplace_back(
        "a plan records absolute paths: a file that another run has recorded with a relative path is in the "
        "report twice");
  }
  return notes;
}

std::string ReportText(const ReportData& data) {
  auto text = std::string(data.scope.IsRehearsal() ? "REHEARSAL: nothing of it is in a store\n" : "");
  text += UnfinishedLine(data);
  const auto& runs = data.scope.runs;
  if (runs.size() > 1) {
    std::uint64_t count = 0;
    for (const auto& run : runs) count += run.is_plan ? 0 : 1;
    text += fmt::format("{}, merged\n", Counted(count, "run", "runs"));
  }
  // Without an end, HumanSummary() would call the run finished.
  auto summary = data.summary;
  // Only summary.json says what earlier sessions had done. With 1, HumanSummary() does not speak of them.
  if (LacksSummary(data.scope)) summary.session = 1;
  text += HumanSummary(summary, StoppedBy(data));
  for (const auto& run : runs) {
    if (runs.size() == 1 && !run.last_session.verdict.empty()) {
      text += Printable(run.last_session.verdict) + "\n";
    }
  }
  return text;
}

std::string ReportJson(const ReportData& data) {
  const auto& summary = data.summary;
  std::map<std::string, double> slot_seconds;
  auto runs = OrderedJson::array();
  for (const auto& run : data.scope.runs) {
    runs.push_back(RunJson(run));
    for (const auto& [state, seconds] : run.last_session.slot_seconds) slot_seconds[state] += seconds;
  }
  OrderedJson json = {{"schema", 1}, {"state", data.StateText()}, {"rehearsal", data.scope.IsRehearsal()}};
  json.update(SharedJson(summary));
  json.update({{"sent_objects", data.sent_objects.size()},
               {"failures", CausesJson(data.failures)},
               {"skips", CausesJson(data.skips)},
               {"sizes", SizesJson(data)},
               {"complete", data.IsComplete()},
               {"started", nullptr},
               {"ended", nullptr},
               {"slot_seconds", slot_seconds},
               {"shards_not_run", data.scope.shards_not_run},
               {"runs", std::move(runs)}});
  if (summary.started_s > 0) json["started"] = Timestamp(summary.started_s);
  if (summary.ended_s > 0) json["ended"] = Timestamp(summary.ended_s);
  // Only ASCII, because a terminal's escapes would damage the document. Names may be bytes that are not
  // UTF-8.
  return json.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace pipeline
