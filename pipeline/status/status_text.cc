#include "pipeline/status/status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "pipeline/plan/finish_report.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/report/format.h"
#include "pipeline/shard.h"

namespace pipeline {
namespace {

std::string PercentText(const LiveStatus& status) {
  const auto percent = status.Percent();
  if (!percent) return "-";
  // Rounds down: 100 % means that all is done.
  return fmt::format("{:.1f} %", static_cast<double>(static_cast<int>(*percent * 10)) / 10);
}

std::string TimeText(std::optional<double> seconds, bool is_minimum) {
  return seconds ? (is_minimum ? "at least " : "") + HumanDuration(*seconds) : "unknown";
}

std::string AgoText(const RunView& run) {
  const bool has_ended = run.phase == RunPhase::kEnded;
  if (!run.status) return "-";
  const auto age = HumanDuration(static_cast<double>(run.age_s));
  return has_ended ? fmt::format("ended {} ago", age) : fmt::format("seen {} ago", age);
}

// The column's head, its width, and its text for one shard.
struct Column {
  std::string_view head;
  int width;
  std::string (*text)(int shard, const RunView& run);
};

std::string ShardText(int shard, const RunView&) { return std::to_string(shard); }
// "waiting for the store" is too long for a column.
std::string State(int, const RunView& run) {
  const auto text = run.StateText();
  return std::string(text.substr(0, text.starts_with("waiting") ? text.find(' ') : text.size()));
}
std::string Done(int, const RunView& run) { return run.status ? PercentText(*run.status) : "-"; }
std::string Left(int, const RunView& run) {
  const auto seconds = run.phase == RunPhase::kActive && run.status ? run.status->seconds_left : std::nullopt;
  if (!seconds) return "-";
  if (*seconds >= 360'000) return "> 100 h";
  return HumanDuration(*seconds) + (run.status->knows_totals() ? "" : "+");
}
std::string Failed(int, const RunView& run) { return run.status ? std::to_string(run.status->failed) : "-"; }
std::string Rate(int, const RunView& run) {
  const bool is_shown = run.status && run.phase != RunPhase::kLost;
  return is_shown ? HumanBytes(run.status->bytes_per_s) + "/s" : "-";
}
std::string Seen(int, const RunView& run) {
  return run.status ? HumanDuration(static_cast<double>(run.age_s)) : "-";
}
std::string Node(int, const RunView& run) { return run.status ? Printable(run.status->host) : "-"; }

// In the order of importance: the first ones that fit are shown.
constexpr std::array<Column, 8> kColumns{{{"shard", 5, ShardText},
                                          {"state", 10, State},
                                          {"done", 7, Done},
                                          {"left", 12, Left},
                                          {"failed", 7, Failed},
                                          {"rate", 12, Rate},
                                          {"seen", 11, Seen},
                                          {"node", 8, Node}}};

std::size_t ColumnsThatFit(int columns) {
  int used = 0;
  std::size_t count = 0;
  while (count < kColumns.size() && (columns == 0 || used + kColumns[count].width <= columns)) {
    used += kColumns[count++].width + 1;
  }
  return count;
}

// Cuts the line, because the name of a node may be longer than its column.
std::string CutTo(int columns, std::string line) {
  if (columns > 0) line.resize(std::min(line.size(), static_cast<std::size_t>(columns)));
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

int Urgency(const RunView& run) {
  switch (run.phase) {
    case RunPhase::kUnreadable: return 0;
    case RunPhase::kLost: return 1;
    case RunPhase::kEnded: return run.WorkLeft() || run.HasFailures() ? 2 : 5;
    case RunPhase::kActive: return 3;
    case RunPhase::kNotRun: return 4;
  }
  return 0;
}

// Returns at most `rows` shards, the most urgent ones, in ascending order. 0: all.
std::vector<std::size_t> ShownShards(const StatusReport& report, int rows) {
  std::vector<std::size_t> shards(report.runs.size());
  std::iota(shards.begin(), shards.end(), std::size_t{0});
  if (rows <= 0 || shards.size() <= static_cast<std::size_t>(rows)) return shards;
  std::stable_sort(shards.begin(), shards.end(), [&](std::size_t a, std::size_t b) {
    return Urgency(report.runs[a]) < Urgency(report.runs[b]);
  });
  shards.resize(static_cast<std::size_t>(rows));
  std::sort(shards.begin(), shards.end());
  return shards;
}

std::string Table(const StatusReport& report, const Screen& screen) {
  const auto count = ColumnsThatFit(screen.columns);
  const auto line = [&](auto&& cell) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& [head, width, _] = kColumns[i];
      const bool is_node = i + 1 == kColumns.size();
      text += is_node ? cell(kColumns[i]) : fmt::format("{:>{}} ", cell(kColumns[i]), width);
    }
    return CutTo(screen.columns, std::move(text)) + "\n";
  };
  auto text = line([](const Column& column) { return std::string(column.head); });
  const auto shown = ShownShards(report, screen.rows);
  for (const auto shard : shown) {
    text +=
        line([&](const Column& column) { return column.text(static_cast<int>(shard), report.runs[shard]); });
  }
  const auto hidden = report.runs.size() - shown.size();
  if (hidden > 0) text += fmt::format("and {} not shown\n", Counted(hidden, "shard", "shards"));
  return text;
}

// Returns "about 1200" if the number is an estimate, and "1200+" if it still grows.
std::string TotalText(const LiveStatus& total, const std::string& number) {
  if (total.all_found) return number;
  return total.knows_totals() ? "about " + number : number + "+";
}

std::string CountsLine(const LiveStatus& total) {
  return fmt::format("{} of {} inputs: {} uploaded, {} skipped, {} failed{}\n", total.done(),
                     TotalText(total, fmt::format("{}", total.All().inputs)), total.uploaded + total.sent,
                     total.skipped, total.failed,
                     total.cancelled > 0 ? fmt::format(", {} cancelled", total.cancelled) : "");
}

std::string ProgressLines(const StatusReport& report) {
  const auto& total = report.total;
  if (!total.Percent()) return "no inputs found yet\n";
  auto text = fmt::format("{} done, {} of {}\n", PercentText(total),
                          HumanBytes(static_cast<double>(total.bytes_done)),
                          TotalText(total, HumanBytes(static_cast<double>(total.All().bytes))));
  if (report.With(RunPhase::kActive).empty()) return text + CountsLine(total);
  text += fmt::format("{}/s, time left {}\n", HumanBytes(total.bytes_per_s),
                      TimeText(report.SecondsLeft(), report.TimeIsMinimum()));
  return text + CountsLine(total);
}

std::string StatesLine(const StatusReport& report) {
  std::string text = Counted(report.runs.size(), "shard", "shards");
  char separator = ':';
  for (const auto* state : {"walking", "running", "waiting for the store", "draining", "finished", "failed",
                            "stopped", "lost", "not run", "unreadable"}) {
    const auto count = std::count_if(report.runs.begin(), report.runs.end(),
                                     [&](const auto& run) { return run.StateText() == state; });
    if (count == 0) continue;
    text += fmt::format("{} {} {}", separator, count, state);
    separator = ',';
  }
  return text + "\n";
}

std::string ShardsText(const StatusReport& report, const Screen& screen) {
  auto text = StatesLine(report) + ProgressLines(report) + Table(report, screen);
  for (const auto& run : report.runs) {
    if (!run.problem.empty()) text += Printable(run.problem) + "\n";
  }
  const auto hanging = report.Hanging();
  if (!hanging.empty()) {
    text += fmt::format("shards that hang: {} (end their processes before you run them again)\n",
                        RangesText(hanging));
  }
  text += RunAgainLine(report.ShardsToRun(), report.directory);
  if (report.NeedsFinish()) {
    text += fmt::format("to complete the shared objects: s3flow finish {}\n", ShellWord(report.directory));
  }
  return text;
}

// Returns the arguments of `s3flow run` that name the run in `directory`.
std::string RunArguments(std::string directory, const std::string& shard_text) {
  if (shard_text.empty()) return "JOB.yaml --run-dir " + ShellWord(directory);
  const auto shard = shard_text.substr(0, shard_text.find(' '));  // "3/8" of "3/8 of plan ID"
  const auto inner = directory.rfind(fmt::format("/{}/", kShardsName));
  if (inner != std::string::npos) directory.resize(inner);
  return fmt::format("{} {} --shard {}", shard == shard_text ? "JOB.yaml --run-dir" : "--plan",
                     ShellWord(directory), ShellWord(shard));
}

std::string RunText(const StatusReport& report) {
  const auto& run = report.runs.front();
  std::string text(run.StateText());
  if (!run.problem.empty()) return text + ": " + Printable(run.problem) + "\n";
  if (!run.status) return text + ": the run has written no status.json\n";
  const auto& status = *run.status;
  text += fmt::format(" on {} (process {}), {}\n", Printable(status.host), status.process, AgoText(run));
  text += ProgressLines(report);
  if (run.phase == RunPhase::kActive) {
    text +=
        fmt::format("{} in flight of at most {}, {}, {} throttled\n",
                    Counted(static_cast<std::uint64_t>(std::max(0, status.in_flight)), "request", "requests"),
                    status.concurrency, Counted(status.retries, "retry", "retries"), status.throttled);
    const bool is_outage = status.state == RunState::kWaiting;
    if (!status.waiting_for.empty())
      text += fmt::format("{}: {}\n", is_outage ? "waiting" : "limited by", Printable(status.waiting_for));
  }
  if (run.phase == RunPhase::kLost && run.is_locked) {
    text += "the process hangs: end it before you resume the run\n";
  } else if (run.phase != RunPhase::kActive && run.WorkLeft()) {
    text += fmt::format("to resume: s3flow run {}\n", RunArguments(report.directory, status.shard));
  } else if (run.phase == RunPhase::kEnded && run.HasFailures()) {
    text +=
        fmt::format("to try again: s3flow run {} --resume\n", RunArguments(report.directory, status.shard));
  }
  return text;
}

}  // namespace

std::string StatusText(const StatusReport& report, const Screen& screen) {
  return report.has_shards ? ShardsText(report, screen) : RunText(report);
}

}  // namespace pipeline
