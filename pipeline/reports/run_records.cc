#include "pipeline/reports/run_records.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "pipeline/journal/journal_file.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/status/status_report.h"

namespace pipeline {
namespace {

bool IsRefused(const RunView& view) { return view.phase == RunPhase::kUnreadable && !view.is_damaged; }

// Reads summary.json.
RunRecords Describe(const OwnDir& directory, int argument, RunView view) {
  RunRecords run{.directory = directory, .argument = argument, .view = std::move(view)};
  if (run.view.is_damaged) run.view.phase = run.view.is_locked ? RunPhase::kActive : RunPhase::kLost;
  run.last_session = ReadSessionFacts(directory);
  return run;
}

tl::expected<void, Refusal> AddShards(const OwnDir& directory, const StatusReport& report, int argument,
                                      ReportScope* scope) {
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    const int shard = static_cast<int>(i);
    const auto& view = report.runs[i];
    if (IsRefused(view)) return Refuse(kExitJournal, view.problem);
    const auto found = directory.FindDir(ShardRunDirName(shard));
    if (!found) return Refuse(kExitJournal, found.error().message);
    if (!*found || !HasJournal(**found)) {
      ++scope->shards_not_run;
      continue;
    }
    scope->runs.push_back(Describe(**found, argument, view));
    scope->runs.back().shard = shard;
  }
  return {};
}

tl::expected<void, Refusal> AddRuns(const std::string& path, Trust trust, std::int64_t now_s, int argument,
                                    ReportScope* scope) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return Refuse(kExitNoInput, path + ": " + std::strerror(errno));
  const auto directory = OwnDir::Open(AbsolutePath(path), trust);
  if (!directory) return Refuse(kExitJournal, directory.error().message);
  const auto report = ReadStatus(*directory, now_s);
  if (!report) return tl::unexpected(report.error());
  const bool has_journal = HasJournal(*directory);
  if (!report->has_shards) {
    const auto& view = report->runs.front();
    if (IsRefused(view)) return Refuse(kExitJournal, view.problem);
    if (!has_journal) return Refuse(kExitNoInput, directory->PathOf(kJournalName) + ": there is no journal");
    scope->runs.push_back(Describe(*directory, argument, view));
    return {};
  }
  if (has_journal) {
    // A plan's own summary.json is that of `finish`, and not of a session.
    scope->runs.push_back({.directory = *directory, .argument = argument, .is_plan = true});
  }
  return AddShards(*directory, *report, argument, scope);
}

}  // namespace

std::string_view RunRecords::StateText() const {
  if (IsRunning()) return "running";
  if (!end) return run ? "killed" : "not run";
  if (HasStoppedEarly()) return "stopped";
  return end->status == kExitOk ? "finished" : "failed";
}

std::int64_t RunRecords::StartedAt() const {
  return view.status ? view.status->started_s : last_session.started_s;
}

std::int64_t RunRecords::EndedAt() const {
  return view.status ? view.status->updated_s : last_session.ended_s;
}

bool ReportScope::IsRehearsal() const {
  return std::any_of(runs.begin(), runs.end(), [](const auto& run) { return run.IsRehearsal(); });
}

tl::expected<void, Refusal> CheckKinds(const ReportScope& scope) {
  const RunRecords* rehearsal = nullptr;
  const RunRecords* other = nullptr;
  for (const auto& run : scope.runs) {
    if (run.run) (run.IsRehearsal() ? rehearsal : other) = &run;
  }
  if (rehearsal == nullptr || other == nullptr) return {};
  return Refuse(kExitNoInput,
                fmt::format("{} is a rehearsal, and {} is not: report them separately, because nothing of a "
                            "rehearsal is in a store",
                            rehearsal->directory.path(), other->directory.path()));
}

tl::expected<ReportScope, Refusal> OpenRuns(const std::vector<std::string>& directories, Trust trust,
                                            std::int64_t now_s) {
  ReportScope scope;
  for (std::size_t i = 0; i < directories.size(); ++i) {
    const auto added = AddRuns(directories[i], trust, now_s, static_cast<int>(i), &scope);
    if (!added) return tl::unexpected(added.error());
  }
  if (scope.runs.empty()) return Refuse(kExitNoInput, directories.front() + ": no shard has run yet");
  return scope;
}

}  // namespace pipeline
