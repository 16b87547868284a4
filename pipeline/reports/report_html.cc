#include "pipeline/reports/report_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "pipeline/report/format.h"
#include "pipeline/reports/html_charts.h"
#include "pipeline/reports/html_sections.h"
#include "pipeline/reports/html_text.h"
#include "pipeline/shard.h"
#include "s3/base/printable.h"
#include "s3/base/text.h"

namespace pipeline {
namespace {

constexpr std::size_t kMaxLimits = 5;  // lines that say what limited the runs
constexpr std::size_t kMaxSettings = 32 << 10;

// One section of the page. Without content it is left out, and its title is listed at the end of the page.
class Sections {
 public:
  void Add(const std::string& title, const std::string& content, const char* css_class = "") {
    if (content.empty()) {
      missing_.push_back(title);
      return;
    }
    html_ += fmt::format("<section class=\"{}\"><h2>{}</h2>\n{}</section>\n", css_class, title, content);
  }
  const std::string& html() const { return html_; }
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  std::string html_;
  std::vector<std::string> missing_;
};

// Returns the class and the text of the line that says whether the runs succeeded.
std::pair<const char*, std::string> VerdictLine(const ReportData& data) {
  const auto& summary = data.summary;
  const auto state = data.StateText();
  const auto failed =
      fmt::format("{} of {} inputs failed", GroupedDigits(summary.failed), GroupedDigits(summary.found));
  const auto and_failed = summary.failed > 0 ? "; " + failed : "";
  const auto shards =
      Counted(static_cast<std::uint64_t>(data.scope.shards_not_run), "shard has", "shards have");
  if (state == "running") return {"warn", "Running: this page shows the results so far" + and_failed};
  if (state == "killed")
    return {"bad", "Killed before the end: work is left. Run it again to resume it" + and_failed};
  if (state == "not run") return {"warn", "Unfinished: " + shards + " not run yet" + and_failed};
  if (state == "stopped")
    return {"warn", "Stopped before the end: work is left. Run it again to resume it" + and_failed};
  if (summary.failed > 0) return {"bad", "Failed: " + failed};
  if (state == "failed") return {"bad", "Failed: the run could not be completed"};
  if (summary.sent > 0) {
    return {"warn", fmt::format("Sent: run s3flow finish to complete {} ({})",
                                Counted(data.sent_objects.size(), "object", "objects"),
                                Counted(summary.sent, "range of parts", "ranges of parts"))};
  }
  return {"good", "Finished: every input is uploaded or skipped"};
}

// Says what limited the runs: one line for each limit, with the words of the first run that it limited.
std::string LimitLines(const ReportData& data) {
  struct Limited {
    std::vector<int> shards;
    const RunRecords* first = nullptr;
  };
  std::map<std::string, Limited> limits;
  for (const auto& run : data.scope.runs) {
    if (run.last_session.verdict.empty()) continue;
    auto& limited = limits[run.last_session.limit];
    if (limited.first == nullptr) limited.first = &run;
    if (run.shard) limited.shards.push_back(*run.shard);
  }
  std::string html;
  std::size_t shown = 0;
  for (const auto& [limit, limited] : limits) {
    if (++shown > kMaxLimits) break;
    const auto& shards = limited.shards;
    auto lead = shards.empty()
                    ? ""
                    : fmt::format("{} {}: ", shards.size() > 1 ? "Shards" : "Shard", RangesText(shards));
    if (shards.size() > 1) lead += fmt::format("for example shard {}: ", shards.front());
    html += fmt::format("<p>{}{}</p>\n", lead, HtmlShort(limited.first->last_session.verdict, 400));
  }
  return html;
}

std::string Tile(const char* name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string Tiles(const ReportData& data) {
  const auto& summary = data.summary;
  const double seconds = summary.seconds.count();
  const auto bytes = static_cast<double>(summary.uploaded_bytes - summary.uploaded_bytes_before);
  auto html = std::string("<dl class=\"tiles\">\n");
  html += Tile("Uploaded", GroupedDigits(summary.uploaded));
  html += Tile("Bytes", HumanBytes(static_cast<double>(summary.uploaded_bytes)));
  html += Tile("Failed", GroupedDigits(summary.failed));
  html += Tile("Skipped", GroupedDigits(summary.skipped));
  if (summary.cancelled > 0) html += Tile("Cancelled", GroupedDigits(summary.cancelled));
  if (summary.sent > 0) html += Tile("Ranges sent", GroupedDigits(summary.sent));
  html += Tile("Retries", GroupedDigits(summary.retries));
  if (seconds > 0) {
    html += Tile("Duration", HtmlDuration(seconds));
    html += Tile("Average rate", HumanBytes(bytes / seconds) + "/s");
  }
  return html + "</dl>\n";
}

std::string Heading(const ReportData& data) {
  const auto& summary = data.summary;
  const auto [css_class, verdict] = VerdictLine(data);
  const bool is_rehearsal = data.scope.IsRehearsal();
  auto html = fmt::format("<header><h1>{} to {}</h1>\n<p class=\"soft\">",
                          is_rehearsal ? "Rehearsal of an upload" : "Upload",
                          HtmlText(summary.bucket + "/" + summary.prefix));
  html += fmt::format("at {}", HtmlText(summary.endpoint));
  if (!summary.host.empty()) html += fmt::format(", from {}", HtmlText(summary.host));
  if (summary.started_s > 0) {
    html += fmt::format(", <time>{}</time> to <time>{}</time>", Timestamp(summary.started_s),
                        Timestamp(summary.ended_s));
  }
  if (!summary.job_file.empty()) html += fmt::format("; job <code>{}</code>", HtmlPath(summary.job_file));
  html += "</p>\n";
  if (is_rehearsal) html += "<p class=\"state warn\">Rehearsal: nothing of it is in a store</p>\n";
  html += fmt::format("<p class=\"state {}\">{}</p>\n", css_class, verdict);
  html += LimitLines(data);
  return html + Tiles(data) + "</header>\n";
}

void AddCharts(const Timeline& timeline, Sections* sections) {
  const auto curve = [&](const char* title, ChartUnit unit, const std::vector<double>& values) {
    sections->Add(title, Render(LineChart{title, unit, timeline.interval_s, values}));
  };
  curve("Throughput", ChartUnit::kBytesPerSecond, timeline.bytes_per_s);
  curve("Objects per second", ChartUnit::kPerSecond, timeline.objects_per_s);
  curve("Requests in flight", ChartUnit::kCount, timeline.in_flight);
  sections->Add("Where the time went: slots by state",
                Render(StackedChart{"Slots by state", timeline.interval_s, timeline.slot_shares}));
}

std::string JobHtml(const ReportData& data) {
  std::set<std::string> all;
  for (const auto& run : data.scope.runs) {
    if (run.run) all.insert(WithoutCheckDigits(run.run->settings.substr(0, kMaxSettings)));
  }
  if (all.empty()) return "";
  std::string lines;
  std::string_view rest = *all.begin();
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    lines += s3::XmlEscape(s3::PrintableLine(line)) + "\n";
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  const auto note =
      all.size() > 1 ? "<p>The runs have different settings. These are those of one of them.</p>\n" : "";
  return fmt::format(
      "{}<p class=\"soft\">The settings that decide what is stored where, with secrets redacted.</p>\n"
      "<pre tabindex=\"0\">{}</pre>\n",
      note, lines);
}

std::string Footer(const Sections& sections, std::int64_t now_s) {
  auto html =
      fmt::format("<footer><p>Made by s3flow {} at <time>{}</time>.</p>\n", S3FLOW_VERSION, Timestamp(now_s));
  std::string missing;
  for (const auto& title : sections.missing()) missing += (missing.empty() ? "" : "; ") + title;
  if (!missing.empty())
    html += fmt::format("<p>Left out, because there is nothing to show: {}.</p>\n", missing);
  return html + "</footer>\n";
}

}  // namespace

std::string WithoutCheckDigits(const std::string& settings) {
  constexpr std::size_t kDigits = 4;
  std::string shown;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const auto digits = std::string_view(settings).substr(i, 2 + kDigits);
    const bool is_mark =
        digits.size() == 2 + kDigits && digits.starts_with(" #") &&
        std::all_of(digits.begin() + 2, digits.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
    const auto next = i + digits.size() < settings.size() ? settings[i + digits.size()] : '\n';
    if (is_mark && std::isalnum(static_cast<unsigned char>(next)) == 0) {
      i += digits.size() - 1;
    } else {
      shown += settings[i];
    }
  }
  return shown;
}

std::string ReportHtml(const ReportData& data, const Timeline& timeline, std::int64_t now_s) {
  Sections sections;
  sections.Add("Failures by cause", CausesHtml(data.failures), "wide long");
  AddCharts(timeline, &sections);
  sections.Add("Where the time went: totals", SlotTable(data));
  sections.Add("Latency", LatencyTable(data), "wide");
  sections.Add("Sizes", SizeTable(data), "wide");
  sections.Add("Retries and errors", AttemptsTable(data));
  sections.Add("Skipped by reason", CausesHtml(data.skips));
  sections.Add("Slowest objects", SlowestTable(data), "wide long");
  sections.Add("Shards over time", LanesHtml(data));
  sections.Add("Runs", RunsTable(data), "wide long");
  sections.Add("Job", JobHtml(data), "wide long");
  sections.Add("Environment", EnvironmentTable(data));
  const auto* const kind = data.scope.IsRehearsal() ? "rehearsal of an upload" : "upload";
  return HtmlHead(fmt::format("s3flow: {} to {}", kind, data.summary.bucket)) + Heading(data) +
         "<main><div class=\"grid\">\n" + sections.html() + "</div></main>\n" + Footer(sections, now_s) +
         "</body>\n</html>\n";
}

}  // namespace pipeline
