#include "pipeline/status/status_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "pipeline/journal/journal.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/shard.h"

namespace pipeline {
namespace {

constexpr std::size_t kMaxSummaryBytes = 16 << 20;  // the summary of a long run has many `slots`

void AddTo(LiveStatus* total, const LiveStatus& run, bool is_active) {
  total->found += run.found;
  total->uploaded += run.uploaded;
  total->skipped += run.skipped;
  total->failed += run.failed;
  total->cancelled += run.cancelled;
  total->sent += run.sent;
  total->all_found = total->all_found && run.all_found;
  const auto all = run.All();
  total->expected = {total->expected.inputs + all.inputs, total->expected.bytes + all.bytes};
  total->bytes_found += run.bytes_found;
  total->bytes_done += run.bytes_done;
  total->bytes_left_out += run.bytes_left_out;
  total->retries += run.retries;
  total->throttled += run.throttled;
  if (!is_active) return;
  total->in_flight += run.in_flight;
  total->concurrency += run.concurrency;
  total->bytes_per_s += run.bytes_per_s;
  total->inputs_per_s += run.inputs_per_s;
}

void SumUp(StatusReport* report) {
  report->total.all_found = true;
  bool all_expected = true;
  for (const auto& run : report->runs) {
    if (run.status) {
      AddTo(&report->total, *run.status, run.phase == RunPhase::kActive);
    } else {
      report->total.all_found = false;
    }
    all_expected = all_expected && run.status && run.status->knows_totals();
  }
  if (!all_expected) report->total.expected = {};
}

RunView ViewShard(const OwnDir& directory, int shard, std::int64_t now_s) {
  const auto run_dir = directory.FindDir(ShardRunDirName(shard));
  if (!run_dir) return {.phase = RunPhase::kUnreadable, .problem = run_dir.error().message};
  return *run_dir ? ViewRun(**run_dir, now_s) : RunView{};
}

std::optional<int> FinishStatus(const OwnDir& plan_dir) {
  const auto text = plan_dir.Text(kSummaryName, kMaxSummaryBytes);
  if (!text) return std::nullopt;
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("exit_status")) return std::nullopt;
  const auto& status = json.at("exit_status");
  return status.is_number_integer() ? std::optional(status.get<int>()) : std::nullopt;
}

tl::expected<StatusReport, Refusal> ReadPlan(const OwnDir& directory, std::int64_t now_s) {
  const auto plan = LoadPlan(directory);
  if (!plan) return Refuse(kExitJournal, plan.error().message);
  StatusReport report{.directory = directory.path(), .has_shards = true, .split_objects = plan->cut_objects};
  for (int shard = 0; shard < static_cast<int>(plan->shards.size()); ++shard) {
    report.runs.push_back(ViewShard(directory, shard, now_s));
  }
  SumUp(&report);
  report.total.all_found = true;
  report.total.found = report.total.bytes_found = 0;
  for (const auto& load : plan->shards) {
    report.total.found += load.inputs;
    report.total.bytes_found += load.bytes;
  }
  report.finish_status = FinishStatus(directory);
  return report;
}

std::optional<int> NumberOf(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && number >= 0 && number < 1'000'000 ? std::optional(number) : std::nullopt;
}

// Returns N from the name of a shard, "I/N". Returns 0 if the name has another form.
int CountIn(const std::string& shard) {
  const auto slash = shard.find('/');
  if (slash == std::string::npos) return 0;
  const auto end = shard.find(' ', slash);
  return NumberOf(std::string_view(shard).substr(slash + 1, end == std::string::npos ? end : end - slash - 1))
      .value_or(0);
}

// Reads the shards of a job without a plan. Their status files and directory names tell how many there are.
tl::expected<StatusReport, Refusal> ReadShards(const OwnDir& directory, const OwnDir& shards,
                                               std::int64_t now_s) {
  const auto names = shards.Names();
  if (!names) return Refuse(kExitJournal, names.error().message);
  StatusReport report{.directory = directory.path(), .has_shards = true};
  std::size_t count = 0;
  for (const auto& name : *names) {
    const auto shard = NumberOf(name);
    if (!shard) continue;
    const auto view = ViewShard(directory, *shard, now_s);
    const int known = view.status ? CountIn(view.status->shard) : 0;
    count = std::max({count, static_cast<std::size_t>(*shard) + 1, static_cast<std::size_t>(known)});
    report.runs.resize(count);
    report.runs[static_cast<std::size_t>(*shard)] = view;
  }
  SumUp(&report);
  return report;
}

nlohmann::ordered_json JsonOf(const RunView& run) {
  nlohmann::ordered_json json = {{"state", run.StateText()}};
  if (!run.problem.empty()) json["problem"] = run.problem;
  if (run.phase == RunPhase::kLost) json["process_holds_directory"] = run.is_locked;
  if (!run.status) return json;
  json["age_seconds"] = run.age_s;
  json["status"] = nlohmann::ordered_json::parse(StatusJson(*run.status));
  return json;
}

}  // namespace

std::vector<int> StatusReport::With(RunPhase phase) const {
  std::vector<int> shards;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].phase == phase) shards.push_back(static_cast<int>(i));
  }
  return shards;
}

std::vector<int> StatusReport::ShardsToRun() const {
  std::vector<int> shards;
  for (std::size_t i = 0; i < runs.size() && has_shards; ++i) {
    const auto& run = runs[i];
    const bool can_run =
        run.phase != RunPhase::kActive && run.phase != RunPhase::kUnreadable && !run.is_locked;
    if (can_run && (run.WorkLeft() || run.HasFailures())) shards.push_back(static_cast<int>(i));
  }
  return shards;
}

std::vector<int> StatusReport::Hanging() const {
  auto shards = With(RunPhase::kLost);
  std::erase_if(shards, [&](int shard) { return !runs[static_cast<std::size_t>(shard)].is_locked; });
  return shards;
}

bool StatusReport::NeedsFinish() const {
  const bool all_ended = std::all_of(runs.begin(), runs.end(),
                                     [](const auto& run) { return !run.WorkLeft() && !run.HasFailures(); });
  return all_ended && split_objects > 0 && finish_status != kExitOk && finish_status != kExitSomeFailed;
}

bool StatusReport::IsInProgress() const {
  return std::any_of(runs.begin(), runs.end(), [](const auto& run) {
    return run.phase == RunPhase::kActive || run.phase == RunPhase::kNotRun;
  });
}

std::optional<double> StatusReport::SecondsLeft() const {
  std::optional<double> longest;
  for (const auto& run : runs) {
    if (run.phase != RunPhase::kActive || !run.status) continue;
    const auto left = run.status->seconds_left;
    if (left) longest = std::max(longest.value_or(0), *left);
  }
  return longest;
}

bool StatusReport::TimeIsMinimum() const {
  return std::any_of(runs.begin(), runs.end(), [](const auto& run) {
    const bool is_known = run.status && (run.phase == RunPhase::kEnded || run.status->seconds_left);
    return !is_known || !run.status->knows_totals() || run.phase == RunPhase::kLost;
  });
}

ExitStatus StatusReport::Status() const {
  if (!With(RunPhase::kUnreadable).empty()) return kExitJournal;
  const auto any = [&](bool (RunView::*has)() const) {
    return std::any_of(runs.begin(), runs.end(), [&](const auto& run) { return (run.*has)(); });
  };
  if (any(&RunView::WorkLeft)) return kExitStopped;
  if (any(&RunView::HasFailures)) return kExitSomeFailed;
  if (NeedsFinish()) return kExitStopped;
  return split_objects > 0 && finish_status == kExitSomeFailed ? kExitSomeFailed : kExitOk;
}

tl::expected<StatusReport, Refusal> ReadStatus(const OwnDir& directory, std::int64_t now_s) {
  if (directory.Has(kPlanName)) return ReadPlan(directory, now_s);
  if (HasJournal(directory) || directory.Has(kStatusName)) {
    StatusReport report{.directory = directory.path(), .runs = {ViewRun(directory, now_s)}};
    SumUp(&report);
    return report;
  }
  const auto shards = directory.FindDir(kShardsName);
  if (!shards) return Refuse(kExitJournal, shards.error().message);
  if (*shards) return ReadShards(directory, **shards, now_s);
  return Refuse(kExitNoInput, fmt::format("{} is neither a run directory nor a plan: it has no {} and no {}",
                                          directory.path(), kJournalName, kPlanName));
}

std::string StatusReportJson(const StatusReport& report, int indent) {
  const auto& total = report.total;
  nlohmann::ordered_json json = {
      {"directory", report.directory},
      {"exit_status", static_cast<int>(report.Status())},
      {"found", total.found},
      {"expected", nullptr},
      {"uploaded", total.uploaded},
      {"skipped", total.skipped},
      {"failed", total.failed},
      {"cancelled", total.cancelled},
      {"sent", total.sent},
      {"bytes_found", total.bytes_found},
      {"bytes_done", total.bytes_done},
      {"percent", nullptr},
      {"bytes_per_second", total.bytes_per_s},
      {"seconds_left", nullptr},
      {"seconds_left_is_minimum", report.TimeIsMinimum()},
  };
  if (total.knows_totals()) json["expected"] = total.All().inputs;
  if (const auto percent = total.Percent()) json["percent"] = *percent;
  if (const auto seconds = report.SecondsLeft()) json["seconds_left"] = *seconds;
  if (report.has_shards) {
    json["shards_to_run"] = RangesText(report.ShardsToRun());
    json["shards_lost"] = report.With(RunPhase::kLost);
    json["shards_hanging"] = report.Hanging();
    json["needs_finish"] = report.NeedsFinish();
  }
  auto runs = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    auto run = JsonOf(report.runs[i]);
    if (report.has_shards) run["shard"] = i;
    runs.push_back(std::move(run));
  }
  json["runs"] = std::move(runs);
  // Only ASCII, because a terminal's escapes would damage the document.
  return json.dump(indent, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace pipeline
