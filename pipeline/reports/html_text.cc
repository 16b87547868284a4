#include "pipeline/reports/html_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pipeline/report/format.h"
#include "s3/base/printable.h"
#include "s3/base/text.h"

namespace pipeline {
namespace {

constexpr std::size_t kMaxPathBytes = 160;
constexpr const char* kEllipsis = "\u2026";

// Returns true if the character at `at` begins there, and is not the rest of a longer one.
bool BeginsAt(std::string_view text, std::size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kSlotStates{{
    {"source", "free: the source has found nothing yet"},
    {"finished", "free: no work is left"},
    {"large_body", "held for a large body"},
    {"worker_queue", "waiting for a free worker"},
    {"cpu", "computing: hashes, signatures"},
    {"reading", "opening and reading files"},
    {"stream", "waiting for bytes of a stream"},
    {"memory", "waiting for limits.memory"},
    {"bandwidth", "waiting for limits.bandwidth"},
    {"request_rate", "waiting for limits.requests_per_second"},
    {"throttling", "throttled by the store"},
    {"outage", "waiting for the store to come back"},
    {"connecting", "connecting"},
    {"sending", "sending"},
    {"first_byte", "waiting for the store's response"},
    {"receiving", "receiving the response"},
    {"backoff", "waiting before a retry"},
    {"sibling", "waiting for another task"},
    {"journal", "recording the result"},
}};

// The page is complete without scripts and without other files. Its policy forbids both.
constexpr std::string_view kHead = R"(<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #fff; --text: #1c2230; --soft: #5a6376; --line: #d9dde5; --bar: #b9cdf0;
  --good: #17723a; --bad: #b3261e; --warn: #8a5a00;
  --c0: #4e79a7; --c1: #f28e2b; --c2: #59a14f; --c3: #e15759; --c4: #76b7b2; --c5: #edc948; --c6: #b07aa1;
  --c7: #ff9da7; --c8: #9c755f; --c9: #8f959e;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --card: #1b2029; --text: #e6e9ef; --soft: #a3acbd; --line: #343b49; --bar: #2c4a7c;
    --good: #6fcf8f; --bad: #ff8a80; --warn: #f0c05a; --c0: #6f9fd0;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 24px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 8px; }
p { margin: 0 0 8px; overflow-wrap: anywhere; }
.soft, footer { color: var(--soft); font-size: .9rem; }
.state { font-weight: 700; font-size: 1.15rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 8px; margin: 16px 0; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.2rem; font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; grid-auto-flow: dense; align-items: start; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px; min-width: 0; }
section.wide { grid-column: 1 / -1; }
.scroll { overflow-x: auto; } .scroll + .scroll { margin-top: 16px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: 4px; width: min(100%, 100vw - 66px); }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } tbody th { font-weight: 400; overflow-wrap: anywhere; min-width: 8em; }
.number { text-align: right; white-space: nowrap; }
.bar { display: block; height: .7em; background: var(--bar); border-radius: 2px; min-width: 1px; }
ul.paths { margin: 4px 0 12px; padding-left: 20px; } .paths li, code, pre { overflow-wrap: anywhere; }
code, pre { font: .85rem/1.45 ui-monospace, monospace; }
pre { margin: 0; white-space: pre-wrap; max-height: 28em; overflow: auto; }
h3 { font-size: 1rem; margin: 12px 0 4px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 13px system-ui, sans-serif; }
svg .axis { stroke: var(--line); } svg .plot { fill: none; stroke: var(--c0); stroke-width: 2; stroke-linejoin: round; }
svg .under { fill: var(--c0); opacity: .2; }
svg .lane-finished { fill: var(--c2); } svg .lane-failed, svg .lane-killed { fill: var(--c3); }
svg .lane-running { fill: var(--c0); } svg .lane-stopped { fill: var(--c5); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; margin: 8px 0 0; padding: 0; font-size: .9rem; }
.legend svg { display: inline-block; width: 12px; height: 12px; margin-right: 6px; }
footer { padding: 16px; }
@media (max-width: 520px) { svg text { font-size: 16px; } th { min-width: 5em; } }
@media print {
  body { background: #fff; font-size: 11pt; } section, .tiles div { break-inside: avoid; }
  .grid { grid-template-columns: 1fr 1fr; } h3, caption { break-after: avoid; }
  section.long { break-inside: auto; } .scroll, pre { overflow: visible; max-height: none; }
}
</style>
)";

}  // namespace

std::string Html(std::string_view text) { return s3::XmlEscape(s3::Printable(text)); }

std::string HtmlShort(std::string_view text, std::size_t max_bytes) {
  // An escaped text is longer, so the limit applies before the escape of HTML, and after all others.
  auto shown = s3::Printable(text.substr(0, max_bytes + 4));
  if (shown.size() <= max_bytes && text.size() <= max_bytes) return s3::XmlEscape(shown);
  auto end = std::min(shown.size(), max_bytes);
  while (end > 0 && !BeginsAt(shown, end)) --end;
  shown.resize(end);
  return s3::XmlEscape(shown + kEllipsis);
}

std::string HtmlPath(std::string_view path) {
  const auto shown = s3::Printable(path);
  if (shown.size() <= kMaxPathBytes) return s3::XmlEscape(shown);
  auto begin = shown.size() - kMaxPathBytes;
  while (!BeginsAt(shown, begin)) ++begin;
  return s3::XmlEscape(kEllipsis + shown.substr(begin));
}

std::string HtmlText(std::string_view text) {
  constexpr std::size_t kMaxText = 200;
  return HtmlShort(text, kMaxText);
}

std::string SlotStateHtml(std::string_view state) {
  const auto* const found = std::find_if(kSlotStates.begin(), kSlotStates.end(),
                                         [&](const auto& known) { return known.first == state; });
  return found != kSlotStates.end() ? Html(found->second) : HtmlShort(state, 64);
}

std::string HtmlMillis(double ms) {
  return ms >= 1000 ? fmt::format("{:.2f} s", ms / 1000) : fmt::format("{:.3g} ms", ms);
}

std::string HtmlDuration(double seconds) {
  return seconds < 60 ? HtmlMillis(1000 * seconds) : HumanDuration(seconds);
}

std::string GroupedDigits(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string Render(const HtmlTable& table) {
  if (table.rows.empty()) return "";
  auto html = fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
      "aria-label=\"{0}\"><table><caption>{0}</caption>\n"
      "<thead><tr>",
      table.caption);
  const auto class_of = [&table](std::size_t column) {
    return column >= table.first_number ? " class=\"number\"" : "";
  };
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", class_of(i), table.columns[i]);
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", row.front());
    for (std::size_t i = 1; i < row.size(); ++i) html += fmt::format("<td{}>{}</td>", class_of(i), row[i]);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string HtmlHead(std::string_view title) {
  return fmt::format("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n{}<title>{}</title>\n</head>\n<body>\n",
                     kHead, HtmlText(title));
}

}  // namespace pipeline
