// A run directory, opened for one session: locked, its history read, its journal ready to be appended to.
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

struct Refusal {
  ExitStatus status = kExitJournal;
  std::string message;
};

inline tl::unexpected<Refusal> Refuse(ExitStatus status, std::string message) {
  return tl::unexpected(Refusal{status, std::move(message)});
}

class RunDirectory {
 public:
  // Creates the directory, with its parents, when it is not there. Refuses one that is not to be trusted (see
  // pipeline/fs/own_dir.h) or holds another program's files (74), that another process uses (75), whose
  // journal is damaged or not to be written (74), and what ResumeProblem refuses. `scope`: of the session.
  // `on_failure`, see Journal, is also called when another process takes the directory over.
  static tl::expected<RunDirectory, Refusal> Open(const std::string& path, const RunIdentity& identity,
                                                  const RunScope& scope, const ResumeOptions& options,
                                                  std::function<void(const s3::Error&)> on_failure);

  // As it stands, for a command that begins no session: refuses one without a journal (66), not to be
  // trusted, in use or damaged.
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
  std::optional<Refusal> SummaryProblem() const;

  OwnDir dir_;
  std::unique_ptr<RunLock> lock_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Journal> journal_;
  int session_ = 1;
};

// Why a session with this identity and scope cannot resume the run in `path`, whose journal says `history`:
// it is of another kind, shard or store, whatever the options say (78); of another job (78) or at its end
// (74), unless the options allow that. Nothing when it can, or when there is no run yet.
std::optional<Refusal> ResumeProblem(const std::string& path, const History& history,
                                     const RunIdentity& identity, const RunScope& scope,
                                     const ResumeOptions& options);

// The lines of two settings that differ: "destination.prefix: was a/, is b/".
std::string DifferenceOf(const std::string& before, const std::string& now);

}  // namespace pipeline
