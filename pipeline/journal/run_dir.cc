#include "pipeline/journal/run_dir.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <vector>

#include "pipeline/journal/journal_file.h"
#include "pipeline/report/metrics.h"
#include "pipeline/timing/series.h"

namespace pipeline {
namespace {

// Returns pairs of "section.key" and value, in the order of the text. The key of a source has the number of
// the source: "source[2].path".
std::vector<std::pair<std::string, std::string>> Settings(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> settings;
  std::istringstream lines(text);
  std::string section;
  int item = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(": ");
    if (!line.starts_with(' ')) {
      section = line.substr(0, line.find(':'));
      item = 0;
      continue;
    }
    if (line.starts_with("  - ")) ++item;
    const auto begin = line.find_first_not_of(" -");
    if (colon == std::string::npos || begin == std::string::npos) continue;
    const auto where = item > 0 ? fmt::format("{}[{}]", section, item) : section;
    settings.emplace_back(where + "." + line.substr(begin, colon - begin), line.substr(colon + 2));
  }
  return settings;
}

// Returns an empty text if the working directory was removed.
std::string WorkingDirectory() {
  std::error_code problem;
  return std::filesystem::current_path(problem).string();
}

std::string_view Noun(RunKind kind) {
  switch (kind) {
    case RunKind::kRun: return "a run";
    case RunKind::kPlan: return "a plan";
    case RunKind::kRehearsal: return "a rehearsal";
  }
  return "a run";
}

// Returns why this session is refused, whatever the options are: the journal's results are about another
// store or another kind of run. Returns nothing if the session is not refused.
std::optional<std::string> ScopeProblem(const RunRecord& run, const RunScope& scope) {
  const bool was_rehearsal = run.scope.kind == RunKind::kRehearsal;
  if (was_rehearsal && scope.kind == RunKind::kRehearsal) {
    return "belongs to a rehearsal that has ended, and its embedded store ended with it: choose another run "
           "directory, or remove this one";
  }
  if (run.scope.kind != scope.kind) {
    return fmt::format("belongs to {}, and this is {}: choose another run directory", Noun(run.scope.kind),
                       Noun(scope.kind));
  }
  if (IsSameStore(run.scope, scope)) return std::nullopt;
  return fmt::format(
      "belongs to {} into {}, and this job's destination is {}: choose another run directory (if resume.skip "
      "is size_mtime or checksum, s3flow skips files that the new store already has)",
      Noun(run.scope.kind), DescribeStore(run.scope), DescribeStore(scope));
}

// Returns true if s3flow wrote the file, because the file starts with `begin`. These files are not synced to
// the disk. So after a loss of power, one may exist without its journal, and may be empty or have zeros in
// place of its content. If s3flow never leaves a file of that name without a journal, pass an empty `begin`;
// then the result is false.
bool IsOwnReport(const s3::UniqueFd& file, std::string_view begin) {
  std::string text(begin.size(), '\0');
  const auto got = pread(file.get(), text.data(), text.size(), 0);
  return !begin.empty() && got >= 0 && (text == begin || text.front() == '\0');
}

}  // namespace

std::optional<Refusal> ResumeProblem(const std::string& path, const History& history,
                                     const RunIdentity& identity, const RunScope& scope,
                                     const ResumeOptions& options) {
  if (!history.run()) return std::nullopt;
  if (const auto problem = ScopeProblem(*history.run(), scope)) {
    return Refusal{kExitConfig, path + " " + *problem};
  }
  if (history.run()->shard != identity.shard) {
    const auto named = [](const std::string& shard) { return shard.empty() ? "no shard" : "shard " + shard; };
    return Refusal{kExitConfig,
                   fmt::format("{} belongs to a run of {}, and this is {}: choose another run directory",
                               path, named(history.run()->shard), named(identity.shard))};
  }
  const bool same_job =
      history.run()->settings == identity.settings &&
      (history.run()->scope.objects.empty() || history.run()->scope.objects == scope.objects);
  if (!same_job && !options.allow_changed_job) {
    auto difference = DifferenceOf(history.run()->settings, identity.settings);
    if (difference.empty()) difference = "a secret value in the object properties has changed";
    return Refusal{
        kExitConfig,
        fmt::format("{} belongs to a run of another job: {} (--allow-changed-job resumes it with the "
                    "new job)",
                    path, difference)};
  }
  if (!same_job && history.run()->scope.stores.empty()) {
    return Refusal{
        kExitConfig,
        fmt::format("{} was written by an older version of s3flow, which did not record the store of its "
                    "results: choose another run directory for a changed job",
                    path)};
  }
  if (history.complete() && !options.finished_too && options.skip == SkipMode::kNever) {
    return Refusal{
        kExitConfig,
        fmt::format("{} belongs to a run that is complete: choose another run directory, or upload "
                    "later changes with --resume",
                    path)};
  }
  return std::nullopt;
}

std::string DifferenceOf(const std::string& before, const std::string& now) {
  const auto settings = Settings(now);
  std::map<std::string, std::string> old;
  for (auto& [name, value] : Settings(before)) old[name] = value;
  std::string text;
  const auto add = [&](const std::string& difference) { text += (text.empty() ? "" : "; ") + difference; };
  for (const auto& [name, value] : settings) {
    const auto was = old.extract(name);
    if (!was.empty() && was.mapped() == value) continue;
    add(fmt::format("{}: was {}, is {}", name, was.empty() ? "not set" : was.mapped(), value));
  }
  for (const auto& [name, value] : old) add(fmt::format("{}: was {}, is not set", name, value));
  return text;
}

std::optional<Refusal> RunDirectory::LockAndLoad(std::function<void(const s3::Error&)> on_failure,
                                                 const RunScope* scope) {
  auto lock = RunLock::Acquire(dir_, [on_failure = std::move(on_failure), path = path()] {
    on_failure(
        {.kind = s3::ErrorKind::kLocal,
         .message = path + " was taken over by another process, which believed that this process was dead"});
  });
  if (!lock) {
    const bool in_use = lock.error().kind == s3::ErrorKind::kCancelled;
    return Refusal{in_use ? kExitStopped : kExitJournal, lock.error().message};
  }
  lock_ = std::move(*lock);
  auto history = History::Load(dir_, History::Depth::kAll, scope);
  if (!history) return Refusal{kExitJournal, history.error().message};
  history_ = std::make_unique<History>(std::move(*history));
  return std::nullopt;
}

std::optional<Refusal> RunDirectory::OpenJournal(std::function<void(const s3::Error&)> on_failure) {
  const auto expanded = ExpandJournal(dir_);
  if (!expanded) return Refusal{kExitJournal, expanded.error().message};
  was_compressed_ = *expanded;
  auto journal = Journal::Open(dir_, history_->intact_bytes(), std::move(on_failure));
  if (!journal) return Refusal{kExitJournal, journal.error().message};
  journal_ = std::move(*journal);
  return std::nullopt;
}

s3::Result<void> RunDirectory::CompressJournal(const std::stop_token& stop) {
  if (journal_->failed()) {  // it may end with half a line, which only a plain journal may have
    return s3::Fail(s3::ErrorKind::kLocal, "the journal stays uncompressed: it could not be written");
  }
  journal_.reset();
  return pipeline::CompressJournal(dir_, stop).map_error([](s3::Error error) {
    error.message = "the journal stays uncompressed: " + error.message;
    return error;
  });
}

// Refuses an entry that cannot be trusted. Without a journal, also refuses a file of another program that the
// session would replace.
std::optional<Refusal> RunDirectory::ReportProblem() const {
  const std::pair<const char*, std::string_view> reports[] = {{kSummaryName, ""},
                                                              {kStatusName, kStatusBegin},
                                                              {kMetricsName, kMetricsBegin},
                                                              {kSeriesName, kSeriesBegin}};
  for (const auto& [name, begin] : reports) {
    const auto file = dir_.Find(name);
    if (!file) return Refusal{kExitJournal, file.error().message};
    if (!*file || history_->run() || IsOwnReport(**file, begin)) continue;
    return Refusal{kExitConfig,
                   fmt::format("{} exists, but there is no journal: choose another run directory, or move "
                               "that file away",
                               dir_.PathOf(name))};
  }
  return std::nullopt;
}

tl::expected<RunDirectory, Refusal> RunDirectory::Open(const std::string& path, const RunIdentity& identity,
                                                       const RunScope& scope, const ResumeOptions& options,
                                                       std::function<void(const s3::Error&)> on_failure) {
  auto directory = OwnDir::Make(path, options.trust);
  if (!directory) return Refuse(kExitJournal, directory.error().message);
  RunDirectory opened(std::move(*directory));
  if (auto refusal = opened.LockAndLoad(on_failure, &scope)) return tl::unexpected(*refusal);
  const auto& history = *opened.history_;
  if (auto refusal = opened.ReportProblem()) return tl::unexpected(*refusal);
  if (auto problem = ResumeProblem(path, history, identity, scope, options)) return tl::unexpected(*problem);
  opened.session_ = history.run() ? history.run()->session + 1 : 1;
  if (auto refusal = opened.OpenJournal(std::move(on_failure))) return tl::unexpected(*refusal);
  const auto begun = opened.journal_->Append(
      RunLine({opened.session_, scope, identity.settings, identity.job_file, identity.overrides,
               identity.shard, identity.scheduler, WorkingDirectory()}));
  if (!begun) return Refuse(kExitJournal, "cannot write the journal: " + begun.error().message);
  return opened;
}

tl::expected<RunDirectory, Refusal> RunDirectory::OpenExisting(
    const std::string& path, Trust trust, std::function<void(const s3::Error&)> on_failure) {
  if (!HasJournal(path)) {
    return Refuse(kExitNoInput, fmt::format("{} is not a run directory: it has no {}", path, kJournalName));
  }
  auto directory = OwnDir::Open(path, trust);
  if (!directory) return Refuse(kExitJournal, directory.error().message);
  RunDirectory opened(std::move(*directory));
  if (auto refusal = opened.LockAndLoad(on_failure, nullptr)) return tl::unexpected(*refusal);
  if (!opened.history_->run()) {
    return Refuse(kExitJournal, fmt::format("{} has no record of a run: choose another run directory",
                                            opened.dir_.PathOf(kJournalName)));
  }
  opened.session_ = opened.history_->run()->session;
  if (auto refusal = opened.OpenJournal(std::move(on_failure))) return tl::unexpected(*refusal);
  return opened;
}

}  // namespace pipeline
