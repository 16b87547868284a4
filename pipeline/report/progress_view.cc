#include "pipeline/report/progress_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipeline/report/estimator.h"
#include "pipeline/report/format.h"
#include "s3/base/printable.h"

namespace pipeline {
namespace {

constexpr std::string_view kSeparator = " | ";

std::string TimeLeft(const ProgressView& view) {
  if (!view.seconds_left) return "";
  constexpr std::string_view kLead[] = {"at least ", "about ", ""};
  return fmt::format("{}{} left", kLead[static_cast<int>(view.totals)], HumanDuration(*view.seconds_left));
}

// Returns the facts in the order of their importance, without those that say nothing.
std::vector<std::string> Facts(const ProgressView& view) {
  const auto* const so_far = view.totals == Totals::kSoFar ? " so far" : "";
  const auto* const about = view.totals == Totals::kEstimated ? "about " : "";
  std::vector<std::string> facts = {
      fmt::format("{:.0f} %", std::floor(PercentOf(view))),
      fmt::format("{} of {}{}{}", HumanBytes(static_cast<double>(view.bytes)), about,
                  HumanBytes(static_cast<double>(view.all_bytes)), so_far),
      fmt::format("{}/s", HumanBytes(view.bytes_per_s)),
      TimeLeft(view),
      fmt::format("{} of {}{} files{}", view.objects, about, view.all_objects, so_far),
      fmt::format("{:.0f} files/s", view.objects_per_s),
      fmt::format("{} in flight", view.in_flight),
      view.failed > 0 ? fmt::format("{} failed", view.failed) : "",
      view.retries > 0 ? Counted(view.retries, "retry", "retries") : "",
      view.waits_for.empty() ? "" : fmt::format("waiting for {}", view.waits_for)};
  // A few large files finish so rarely that this rate says nothing.
  if (view.objects_per_s < 1) facts[5].clear();
  std::erase(facts, "");
  return facts;
}

// Shows the end of a path that is too long, because files of one directory differ there. Replaces each
// character that is not printable ASCII by '?', so that one byte is one column.
std::string PathText(std::string_view path, std::size_t columns) {
  std::string text;
  while (!path.empty()) {
    const auto bytes = std::max<std::size_t>(s3::FirstCharacter(path).bytes, 1);
    const bool is_plain = bytes == 1 && path.front() >= ' ' && path.front() < 0x7f;
    text += is_plain ? path.front() : '?';
    path.remove_prefix(bytes);
  }
  constexpr std::string_view kCut = "...";
  if (text.size() <= columns) return text;
  if (columns < kCut.size()) return "";
  return std::string(kCut) + text.substr(text.size() - (columns - kCut.size()));
}

std::string SlowestLine(const SlowTask& task, std::size_t columns) {
  const auto part = task.part > 0 ? fmt::format(", part {}", task.part) : "";
  const auto lead = fmt::format("slowest: {}{}: ", HumanDuration(task.seconds), part);
  return lead.size() < columns ? lead + PathText(task.path, columns - lead.size()) : "";
}

// Returns a bar of `columns` columns, with its brackets.
std::string Bar(double percent, std::size_t columns) {
  const auto inside = columns - 2;
  const auto filled = static_cast<std::size_t>(percent / 100 * static_cast<double>(inside));
  return fmt::format("[{:.<{}}]", std::string(std::min(filled, inside), '#'), inside);
}

}  // namespace

double PercentOf(const ProgressView& view) {
  return PercentDone(view.objects, view.all_objects, view.bytes, view.all_bytes).value_or(100);
}

std::vector<std::string> ProgressLines(const ProgressView& view, std::size_t width, std::size_t max_lines) {
  constexpr std::size_t kMinBar = 10, kMaxBar = 40;
  const auto columns = std::max<std::size_t>(width, 2) - 1;
  std::vector<std::string> lines{""};
  for (const auto& fact : Facts(view)) {
    auto& line = lines.back();
    if (line.empty()) {
      line = fact;
    } else if (line.size() + kSeparator.size() + fact.size() <= columns) {
      line.append(kSeparator).append(fact);
    } else {
      lines.push_back(fact);
    }
  }
  const auto slowest = max_lines > 1 && view.slowest && view.slowest->seconds >= kSlowSeconds
                           ? SlowestLine(*view.slowest, columns)
                           : "";
  for (auto& line : lines) line.resize(std::min(line.size(), columns));
  const auto room_for_facts = std::max<std::size_t>(max_lines, 1) - (slowest.empty() ? 0 : 1);
  lines.resize(std::min(lines.size(), room_for_facts));
  const auto room = columns - lines.front().size();
  if (room > kMinBar + 1) lines.front() += " " + Bar(PercentOf(view), std::min(room - 1, kMaxBar));
  if (!slowest.empty()) lines.push_back(slowest);
  return lines;
}

std::string ProgressLine(const ProgressView& view) {
  std::string line;
  for (const auto& fact : Facts(view)) line.append(line.empty() ? "" : kSeparator).append(fact);
  return line;
}

}  // namespace pipeline
