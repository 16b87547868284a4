#include "pipeline/status/old_runs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>

#include "pipeline/fs/files.h"
#include "pipeline/journal/journal_file.h"
#include "pipeline/journal/journal_reader.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/journal/run_lock.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/report/format.h"
#include "pipeline/report/metrics.h"
#include "pipeline/status/run_view.h"
#include "pipeline/timing/series.h"

namespace pipeline {
namespace {

constexpr char kLocksName[] = "locks";

// A directory that is being removed gets this ending first, so that a later command can finish what a killed
// one began.
constexpr std::string_view kRemoving = ".s3flow-removing";

// What a run writes into its directory.
const std::vector<std::string>& OwnNames() {
  static const std::vector<std::string> names{
      kSummaryName,           kStatusName, kMetricsName, kSeriesName, std::string(kJournalName) + ".torn",
      kCompressedJournalName, kJournalName};
  return names;
}

// OwnDir::Write() writes NAME.new first. A process that was killed may have left it.
bool IsOwnName(std::string name) {
  if (name == kLocksName) return true;
  if (name.ends_with(".new")) name.resize(name.size() - 4);
  return std::find(OwnNames().begin(), OwnNames().end(), name) != OwnNames().end();
}

std::string WhyKept(const RunView& view, const OldRunsRule& rule) {
  if (view.phase == RunPhase::kUnreadable) return view.problem;
  if (view.phase == RunPhase::kActive || view.is_locked) return "is running";
  if (view.phase != RunPhase::kEnded) return "was killed, or its end is not recorded: resume it";
  if (!view.status->shard.empty()) return "is a shard: remove it with its plan";
  if (!view.status->complete) return "has work left: resume it";
  if (view.HasFailures() && !rule.failed_too) {
    return fmt::format("ended with exit status {}: run it again with --resume, or add --failed-too",
                       view.status->exit_status.value_or(0));
  }
  if (view.age_s >= rule.min_age.count()) return "";
  constexpr std::int64_t kDay = 24 * 3600;
  if (view.age_s >= 2 * kDay) return fmt::format("ended {} days ago", view.age_s / kDay);
  return fmt::format("ended {} ago", HumanDuration(static_cast<double>(view.age_s)));
}

bool FileEndsWith(const s3::UniqueFd& file, const std::string& wanted) {
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return false;
  std::string last(wanted.size(), '\0');
  const auto offset = facts.st_size - static_cast<off_t>(wanted.size());
  return offset >= 0 &&
         pread(file.get(), last.data(), last.size(), offset) == static_cast<ssize_t>(last.size()) &&
         last == wanted;
}

// status.json may be older than the journal: a session that was killed at its start has written none. The
// journal is the truth, and of a finished run it ends with this record. Fails if the journal cannot be read
// or is damaged.
s3::Result<bool> JournalEndsAs(const LiveStatus& status, bool complete, const OwnDir& run) {
  auto file = ReadJournal(run);
  if (!file) return tl::unexpected(file.error());
  auto wanted = EndLine({.status = status.exit_status.value_or(0), .complete = complete});
  if (!file->is_compressed) return FileEndsWith(file->fd, wanted);
  wanted.pop_back();
  JournalReader reader(std::move(*file));  // only the whole file shows its end
  bool is_end = false;
  while (reader.Next(JournalReader::Results::kOutcome)) is_end = reader.line() == wanted;
  if (reader.failure()) return tl::unexpected(*reader.failure());
  return is_end;
}

// A lock is a number, or a number to be: see RunLock.
bool IsLockName(const std::string& name) {
  constexpr std::string_view kDigits = "0123456789";
  return name.starts_with("new-") || name.find_first_not_of(kDigits) == std::string::npos;
}

bool IsFile(const OwnDir& directory, const std::string& name) {
  struct stat status {};
  return fstatat(directory.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

// Returns why the directory must not be removed: it has something that is not a file of the run.
s3::Result<std::string> WhyFilesAreKept(const OwnDir& run) {
  const auto foreign = [](const std::string& name) {
    return fmt::format("contains {}, which is not a file of the run: move it to another directory", name);
  };
  const auto names = run.Names();
  if (!names) return tl::unexpected(names.error());
  for (const auto& name : *names) {
    if (!IsOwnName(name) || (name != kLocksName && !IsFile(run, name))) return foreign(name);
  }
  const auto locks = run.FindDir(kLocksName);
  if (!locks) return tl::unexpected(locks.error());
  if (!*locks) return "";
  const auto held = (*locks)->Names();
  if (!held) return tl::unexpected(held.error());
  for (const auto& name : *held) {
    if (!IsLockName(name) || !IsFile(**locks, name)) return foreign(fmt::format("{}/{}", kLocksName, name));
  }
  return "";
}

std::uint64_t BytesOf(const OwnDir& run) {
  std::uint64_t bytes = 0;
  for (const auto& name : OwnNames()) {
    struct stat status {};
    if (fstatat(run.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
      bytes += static_cast<std::uint64_t>(status.st_size);
    }
  }
  return bytes;
}

// Removes an entry of `directory`. Returns false, with errno, if it is still there.
bool Removed(const OwnDir& directory, const std::string& name, int flags = 0) {
  return unlinkat(directory.fd(), name.c_str(), flags) == 0 || errno == ENOENT;
}

// Returns why the directory could not be removed. The caller holds its lock.
std::optional<std::string> Remove(const OwnDir& parent, std::string name, const OwnDir& run) {
  const auto failure = [](const std::string& path) { return ErrnoError(path, errno).message; };
  if (!name.ends_with(kRemoving)) {
    const auto renamed = name + std::string(kRemoving);
    if (renameat(parent.fd(), name.c_str(), parent.fd(), renamed.c_str()) != 0) {
      return failure(parent.PathOf(name));
    }
    name = renamed;
  }
  for (const auto& file : OwnNames()) {
    Removed(run, file + ".new");
    if (!Removed(run, file)) return failure(run.PathOf(file));
  }
  auto locks = run.FindDir(kLocksName);
  if (!locks) return locks.error().message;
  if (*locks) {
    const auto names = (*locks)->Names();
    if (!names) return names.error().message;
    for (const auto& lock : *names) {
      if (!Removed(**locks, lock)) return failure((*locks)->PathOf(lock));
    }
    if (!Removed(run, kLocksName, AT_REMOVEDIR)) return failure(run.PathOf(kLocksName));
  }
  return Removed(parent, name, AT_REMOVEDIR) ? std::nullopt : std::optional(failure(parent.PathOf(name)));
}

bool IsDirectory(const OwnDir& parent, const std::string& name) {
  struct stat status {};
  return fstatat(parent.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

class Cleaner {
 public:
  Cleaner(const OwnDir& parent, const OldRunsRule& rule)
      : parent_(parent), rule_(rule), now_s_(parent.FileSystemTime()) {}

  void Visit(const std::string& name) {
    if (!IsDirectory(parent_, name)) return Count();
    const auto run = parent_.FindDir(name);
    if (!run) return Keep(name, run.error().message);
    if (!*run) return Count();
    if (name.ends_with(kRemoving)) return FinishRemoval(name, **run);
    // A plan has a journal after `finish`, and its shards have theirs below it.
    if ((*run)->Has(kPlanName)) return Keep(name, "is a plan");
    if (!HasJournal(**run)) return Count();
    VisitRun(name, **run);
  }

  OldRuns Take() { return std::move(runs_); }

 private:
  void Count() { ++runs_.others; }
  void Keep(const std::string& name, std::string why) { runs_.kept.emplace_back(name, std::move(why)); }

  std::string Reason(const OwnDir& run) const {
    const auto view = ViewRun(run, now_s_);
    if (auto why = WhyKept(view, rule_); !why.empty()) return why;
    const auto is_complete = JournalEndsAs(*view.status, true, run);
    if (!is_complete) return is_complete.error().message;
    if (!*is_complete && JournalEndsAs(*view.status, false, run).value_or(false)) {
      return fmt::format("its multipart uploads could not be aborted: run s3flow clean {}",
                         ShellWord(run.path()));
    }
    if (!*is_complete) return "its journal does not end with the end of a run: resume it";
    auto files = WhyFilesAreKept(run);
    return files ? *files : files.error().message;
  }

  // Another command was killed while it removed this directory.
  void FinishRemoval(const std::string& name, const OwnDir& run) {
    const auto files = WhyFilesAreKept(run);
    if (!files || !files->empty()) return Keep(name, files ? *files : files.error().message);
    const auto bytes = BytesOf(run);
    auto problem = rule_.dry_run ? std::nullopt : Remove(parent_, name, run);
    if (problem) {
      runs_.failed.emplace_back(name, std::move(*problem));
      return;
    }
    runs_.removed.push_back(name);
    runs_.bytes += bytes;
  }

  void VisitRun(const std::string& name, const OwnDir& run) {
    if (auto why = Reason(run); !why.empty()) return Keep(name, std::move(why));
    const auto bytes = BytesOf(run);
    if (!rule_.dry_run) {
      const auto lock = RunLock::Acquire(run, [] {});
      if (!lock) return Keep(name, lock.error().message);
      // A session may have begun and ended since.
      if (auto why = Reason(run); !why.empty()) return Keep(name, std::move(why));
      if (auto problem = Remove(parent_, name, run)) {
        runs_.failed.emplace_back(name, std::move(*problem));
        return;
      }
    }
    runs_.removed.push_back(name);
    runs_.bytes += bytes;
  }

  const OwnDir& parent_;
  const OldRunsRule rule_;
  const std::int64_t now_s_;
  OldRuns runs_;
};

}  // namespace

s3::Result<OldRuns> RemoveOldRuns(const OwnDir& parent, const OldRunsRule& rule) {
  auto names = parent.Names();
  if (!names) return tl::unexpected(names.error());
  std::sort(names->begin(), names->end());
  Cleaner cleaner(parent, rule);
  for (const auto& name : *names) cleaner.Visit(name);
  return cleaner.Take();
}

}  // namespace pipeline
