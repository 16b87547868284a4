#include "pipeline/reports/html_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "pipeline/report/format.h"
#include "pipeline/reports/html_charts.h"
#include "pipeline/reports/html_text.h"

namespace pipeline {
namespace {

constexpr std::size_t kMaxCausesShown = 25;  // of failures, and of skipped inputs
constexpr std::size_t kMaxRunsShown = 100, kMaxLanes = 64, kMaxLatencyRows = 64;
constexpr double kSmallShare = 0.0005;  // of the time of the slots

// Percentiles of several runs cannot be merged exactly. But the percentile of all requests together is at
// most the highest one of the runs.
void AddHighest(const LatencyRow& row, std::vector<LatencyRow>* rows) {
  const auto found = std::find_if(rows->begin(), rows->end(), [&row](const LatencyRow& other) {
    return other.operation == row.operation && other.size_class == row.size_class;
  });
  if (found == rows->end()) {
    if (rows->size() < kMaxLatencyRows) rows->push_back(row);
    return;
  }
  found->count += row.count;
  for (double LatencyRow::*const percentile : {&LatencyRow::p50_ms, &LatencyRow::p90_ms, &LatencyRow::p99_ms,
                                               &LatencyRow::p999_ms, &LatencyRow::max_ms}) {
    (*found).*percentile = std::max((*found).*percentile, row.*percentile);
  }
}

std::string RunName(const RunRecords& run) {
  if (run.shard) return fmt::format("shard {}", *run.shard);
  return HtmlPath(NameOf(run.directory.path()));
}

}  // namespace

std::string SlotTable(const ReportData& data) {
  std::map<std::string, double> seconds;
  double sum = 0;
  for (const auto& run : data.scope.runs) {
    for (const auto& [state, amount] : run.last_session.slot_seconds) {
      seconds[state] += amount;
      sum += amount;
    }
  }
  std::vector<std::pair<std::string, double>> states(seconds.begin(), seconds.end());
  std::sort(states.begin(), states.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  HtmlTable table{"What the slots did, in seconds of all slots together; without states of less than 0.05 %",
                  {"State", "Seconds", "Share"}};
  for (const auto& [state, amount] : states) {
    if (amount < kSmallShare * sum) break;
    table.rows.push_back({SlotStateHtml(state), fmt::format("{:.1f}", amount),
                          fmt::format("{:.1f} %", 100 * amount / std::max(sum, 1e-9))});
  }
  return Render(table);
}

std::string LatencyTable(const ReportData& data) {
  std::vector<LatencyRow> rows;
  std::size_t runs = 0;
  for (const auto& run : data.scope.runs) {
    runs += run.last_session.latencies.empty() ? 0 : 1;
    for (const auto& row : run.last_session.latencies) AddHighest(row, &rows);
  }
  HtmlTable table{"From sending a request to the end of its response, each attempt on its own",
                  {"Operation", "Object size", "Requests", "p50", "p90", "p99", "p99.9", "Slowest"},
                  2};
  if (runs > 1) table.caption += "; of several runs, the highest value of each column";
  for (const auto& row : rows) {
    table.rows.push_back({HtmlText(row.operation), HtmlText(row.size_class), GroupedDigits(row.count),
                          HtmlMillis(row.p50_ms), HtmlMillis(row.p90_ms), HtmlMillis(row.p99_ms),
                          HtmlMillis(row.p999_ms), HtmlMillis(row.max_ms)});
  }
  return Render(table);
}

std::string SizeTable(const ReportData& data) {
  HtmlTable table{
      "Uploaded objects by size, and how long an upload took, from opening the file to its result",
      {"Size", "Objects", "Bytes", "p50", "p90", "p99", "Slowest"}};
  for (const auto& size : data.sizes) {
    if (size.count == 0) continue;
    const auto bar = fmt::format(
        "{}<span class=\"bar\" style=\"width:{:.1f}%\"></span>", size.name,
        100.0 * static_cast<double>(size.count) /
            static_cast<double>(std::max<std::uint64_t>(1, data.summary.uploaded + data.summary.sent)));
    table.rows.push_back({bar, GroupedDigits(size.count), HumanBytes(static_cast<double>(size.bytes)),
                          HtmlDuration(size.seconds.Percentile(0.5)),
                          HtmlDuration(size.seconds.Percentile(0.9)),
                          HtmlDuration(size.seconds.Percentile(0.99)), HtmlDuration(size.seconds.max())});
  }
  return Render(table);
}

std::string AttemptsTable(const ReportData& data) {
  static constexpr const char* kNames[] = {"without a request", "1 attempt",  "2 attempts",
                                           "3 attempts",        "4 attempts", "5 and more"};
  HtmlTable table{"Uploaded and failed inputs by the number of their attempts", {"Attempts", "Inputs"}};
  for (std::size_t i = 0; i < data.attempts.size(); ++i) {
    if (data.attempts[i] > 0) table.rows.push_back({kNames[i], GroupedDigits(data.attempts[i])});
  }
  auto html = Render(table);
  HtmlTable kinds{"Failed inputs by the kind of the last error", {"Kind", "Inputs"}};
  for (const auto& [kind, count] : data.summary.failures_by_kind)
    kinds.rows.push_back({HtmlText(kind), GroupedDigits(count)});
  return html + Render(kinds);
}

std::string SlowestTable(const ReportData& data) {
  HtmlTable table{"Uploads that took longest", {"Path", "Duration", "Size", "Attempts"}};
  for (const auto& object : data.slowest.Sorted()) {
    table.rows.push_back({"<code>" + HtmlPath(object.path) + "</code>", HtmlDuration(object.seconds),
                          HumanBytes(static_cast<double>(object.size_bytes)),
                          std::to_string(object.attempts)});
  }
  return Render(table);
}

std::string CausesHtml(const std::map<std::string, CauseDetails>& causes) {
  std::vector<std::map<std::string, CauseDetails>::const_pointer> groups;
  for (const auto& group : causes) groups.push_back(&group);
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto* a, const auto* b) { return a->second.count > b->second.count; });
  std::string html;
  for (std::size_t i = 0; i < groups.size() && i < kMaxCausesShown; ++i) {
    const auto& [cause, details] = *groups[i];
    html += fmt::format("<h3>{}: {}</h3>\n", HtmlText(cause), GroupedDigits(details.count));
    if (!details.message.empty())
      html += fmt::format("<p class=\"soft\">{}</p>\n", HtmlText(details.message));
    html += "<ul class=\"paths\">\n";
    for (const auto& path : details.first_paths)
      html += fmt::format("<li><code>{}</code></li>\n", HtmlPath(path));
    const auto rest = details.count - details.first_paths.size();
    if (rest > 0) html += fmt::format("<li>and {} more</li>\n", GroupedDigits(rest));
    html += "</ul>\n";
  }
  if (groups.size() > kMaxCausesShown) {
    html += fmt::format("<p>and {} more causes; --format csv has all</p>\n", groups.size() - kMaxCausesShown);
  }
  return html;
}

std::string LanesHtml(const ReportData& data) {
  LanesChart chart{.title = "When the runs went on"};
  std::size_t runs = 0;
  for (const auto& run : data.scope.runs) {
    if (run.is_plan || run.StartedAt() == 0) continue;
    if (++runs > kMaxLanes) continue;
    const auto name = run.shard ? fmt::format("shard {}", *run.shard) : fmt::format("run {}", runs);
    chart.lanes.push_back({name, std::string(run.StateText()), run.StartedAt(), run.EndedAt()});
  }
  if (runs < 2) return "";
  const auto rest = runs > kMaxLanes
                        ? fmt::format("<p class=\"soft\">The first {} of {} runs.</p>\n", kMaxLanes, runs)
                        : "";
  return Render(chart) + rest;
}

std::string RunsTable(const ReportData& data) {
  HtmlTable table{"The last session of each run",
                  {"Run", "State", "Host", "Started", "Duration", "Sessions", "Exit status"},
                  4};
  std::size_t left_out = 0;
  for (const auto& run : data.scope.runs) {
    if (run.is_plan) continue;
    if (table.rows.size() >= kMaxRunsShown) {
      ++left_out;
      continue;
    }
    const auto host =
        run.last_session.host.empty() && run.view.status ? run.view.status->host : run.last_session.host;
    const auto started = run.StartedAt() > 0 ? Timestamp(run.StartedAt()) : "unknown";
    table.rows.push_back(
        {RunName(run), std::string(run.StateText()), HtmlText(host), started,
         HtmlDuration(static_cast<double>(std::max<std::int64_t>(0, run.EndedAt() - run.StartedAt()))),
         std::to_string(run.sessions), run.end ? std::to_string(run.end->status) : "none"});
  }
  auto html = Render(table);
  if (left_out > 0) html += fmt::format("<p>and {} more; s3flow status shows all</p>\n", left_out);
  if (data.scope.shards_not_run > 0)
    html += fmt::format(
        "<p>{} not run yet.</p>\n",
        Counted(static_cast<std::uint64_t>(data.scope.shards_not_run), "shard has", "shards have"));
  return html;
}

std::string EnvironmentTable(const ReportData& data) {
  HtmlTable table{"Where and how the last session ran", {"Name", "Value"}, 2};
  const auto add = [&table](const std::string& name, const std::string& value) {
    if (!value.empty() && table.rows.size() < 30) table.rows.push_back({HtmlText(name), HtmlText(value)});
  };
  const auto run = std::find_if(data.scope.runs.begin(), data.scope.runs.end(),
                                [](const auto& each) { return !each.is_plan; });
  if (run == data.scope.runs.end()) return "";
  add("host", data.summary.host);
  add("version", run->last_session.version);
  add("transport", data.summary.transport);
  if (data.summary.peak_memory_bytes > 0)
    add("peak memory", HumanBytes(static_cast<double>(data.summary.peak_memory_bytes)));
  if (run->last_session.max_slots > 0)
    add("requests in flight, at most", std::to_string(run->last_session.max_slots));
  if (data.summary.stragglers > 0) add("slow requests sent again", GroupedDigits(data.summary.stragglers));
  if (data.summary.credential_renewals > 0)
    add("credentials renewed", GroupedDigits(data.summary.credential_renewals));
  if (run->run) {
    for (const auto& [name, value] : run->run->scheduler) add(name, value);
  }
  return Render(table);
}

}  // namespace pipeline
