// A run directory that is open for one session: it is locked, its history is loaded, and its journal can be
// appended to.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "pipeline/journal/run_lock.h"
#include "pipeline/options.h"
#include "pipeline/report/summary.h"

namespace pipeline {

inline constexpr char kSummaryName[] = "summary.json";  // name in a run directory and in a plan's directory

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
  // Opens the directory for a new session; creates it and its parents if they are absent. Refuses a directory
  // that cannot be trusted (74; see pipeline/fs/own_dir.h), that another process uses (75), or that has
  // another program's reports but no journal (78). Also refuses a journal that is damaged, cannot be written
  // or belongs to another program (74), and a run that ResumeProblem() refuses. `scope` is the scope of the
  // session. `on_failure` is passed to Journal. It is also called, on a thread of the lock, if another
  // process takes over the directory.
  static tl::expected<RunDirectory, Refusal> Open(const std::string& path, const RunIdentity& identity,
                                                  const RunScope& scope, const ResumeOptions& options,
                                                  std::function<void(const s3::Error&)> on_failure);

  // Opens an existing run directory for a command that begins no session, such as `s3flow clean`. Refuses a
  // directory without a journal (66), and a directory that cannot be trusted (74), is in use (75) or is
  // damaged (74).
  static tl::expected<RunDirectory, Refusal> OpenExisting(const std::string& path, Trust trust,
                                                          std::function<void(const s3::Error&)> on_failure);

  const OwnDir& dir() const { return dir_; }
  const std::string& path() const { return dir_.path(); }
  Journal* journal() const { return journal_.get(); }
  History* history() const { return history_.get(); }
  int session() const { return session_; }
  // Returns true if Open() or OpenExisting() has decompressed the journal.
  bool was_compressed() const { return was_compressed_; }

  // Ends the writing of the journal, and compresses it. Call it only when the run is complete. journal() is
  // null afterwards. If it fails, the journal is whole nevertheless; the message is a note for the
  // user.
  s3::Result<void> CompressJournal(const std::stop_token& stop);

 private:
  explicit RunDirectory(OwnDir dir) : dir_(std::move(dir)) {}
  std::optional<Refusal> LockAndLoad(std::function<void(const s3::Error&)> on_failure, const RunScope* scope);
  std::optional<Refusal> OpenJournal(std::function<void(const s3::Error&)> on_failure);
  std::optional<Refusal> ReportProblem() const;

  OwnDir dir_;
  std::unique_ptr<RunLock> lock_;
  std::unique_ptr<History> history_;
  std::unique_ptr<Journal> journal_;
  int session_ = 1;
  bool was_compressed_ = false;
};

// Returns why a session with this identity and scope cannot resume the run in `path`, which has this history.
// Returns nothing if the session can resume the run, or if the directory has no run yet. A run of another
// kind, shard or store is always refused. A run of another job and a complete run are refused if the options
// do not allow them. The status of each refusal is 78.
std::optional<Refusal> ResumeProblem(const std::string& path, const History& history,
                                     const RunIdentity& identity, const RunScope& scope,
                                     const ResumeOptions& options);

// Lists the settings that differ between two texts: "destination.prefix: was a/, is b/; ...".
std::string DifferenceOf(const std::string& before, const std::string& now);

}  // namespace pipeline
