// A run directory, open for one session: locked, its history read, its journal ready for more lines.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "pipeline/journal/run_lock.h"
#include "pipeline/options.h"
#include "pipeline/report/summary.h"

namespace pipeline {

inline constexpr char kSummaryName[] = "summary.json";  // in a run directory or a plan's

// Why a command cannot start: its exit status, and a message for a person.
struct Refusal {
  ExitStatus status = kExitJournal;
  std::string message;
};

inline tl::unexpected<Refusal> Refuse(ExitStatus status, std::string message) {
  return tl::unexpected(Refusal{status, std::move(message)});
}

class RunDirectory {
 public:
  // Creates the directory and its parents if they are absent. Refuses a directory that is not to be trusted
  // (see pipeline/fs/own_dir.h) or holds another program's files (74), that another process uses (75), whose
  // journal is damaged or cannot be written (74), and what ResumeProblem refuses. `scope`: of the session.
  // `on_failure` is Journal's; it is also called when another process takes the directory over.
  static tl::expected<RunDirectory, Refusal> Open(const std::string& path, const RunIdentity& identity,
                                                  const RunScope& scope, const ResumeOptions& options,
                                                  std::function<void(const s3::Error&)> on_failure);

  // For a command that begins no session: opens the directory as it is. Refuses one without a journal (66),
  // and one that is not to be trusted (74), in use (75) or damaged (74).
  static tl::expected<RunDirectory, Refusal> OpenExisting(const std::string& path, Trust trust,
                                                          std::function<void(const s3::Error&)> on_failure);

  const OwnDir& dir() const { return dir_; }
  const std::string& path() const { return dir_.path(); }
  Journal* journal() const { return journal_.get(); }
  History* history() const { return history_.get(); }
  int session() const { return session_; }

 private:
  explicit RunDirectory(OwnDir dir) : dir_(std::move(dir)) {}
  std::optional<Refusal> LockAndLoad(std::function<void(const s3::Error&)> on_failure, const RunScope* scope);
  std::optional<Refusal> OpenJournal(std::function<void(const s3::Error&)> on_failure);
  std::optional<Refusal> SummaryProblem() const;

  OwnDir dir_;
  std::unique_ptr<RunLock> lock_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Journal> journal_;
  int session_ = 1;
};

// Returns why a session with this identity and scope cannot resume the run in `path` with this history. A run
// of another kind, shard or store is refused in any case (78); a run of another job (78) or a complete one
// (74) is refused unless the options allow it. Nothing if the session can resume it, or no session has begun.
std::optional<Refusal> ResumeProblem(const std::string& path, const History& history,
                                     const RunIdentity& identity, const RunScope& scope,
                                     const ResumeOptions& options);

// Lists the lines in which two settings differ: "destination.prefix: was a/, is b/".
std::string DifferenceOf(const std::string& before, const std::string& now);

}  // namespace pipeline
