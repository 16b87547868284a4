// Writes journal.jsonl: appends the lines of record.h. Thread-safe.
//
//   auto journal = Journal::Open(directory, history.intact_bytes(), on_failure);
//   if (!journal) return Refuse(kExitJournal, journal.error().message);
//   (*journal)->Append(ResultLine(result));                    // survives a killed process
//   (*journal)->AppendDurably(UploadLine(upload), &waiter);    // survives a loss of power
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "s3/base/mutex.h"
#include "s3/base/periodic_thread.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"
#include "s3/base/waiter.h"

namespace pipeline {

class Journal {
 public:
  // Opens the journal; creates it if it does not exist. Cuts the journal to `keep_bytes`, the size of its
  // intact lines, and appends the rest (at most one line) to journal.jsonl.torn. `on_failure` is called once,
  // on the thread that gets the first error. It may be null.
  static s3::Result<std::unique_ptr<Journal>> Open(const OwnDir& directory, std::uint64_t keep_bytes,
                                                   std::function<void(const s3::Error&)> on_failure);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Writes the line to the kernel before it returns, so a killed process loses nothing. The line is on the
  // disk about one second later. After the first error every call fails, because a line after half a line
  // could not be read back, and nobody knows which lines a failed fsync has lost.
  s3::Result<void> Append(std::string_view line);
  // Appends the line and waits in `waiter` until it is on the disk. One fdatasync serves all callers that
  // wait.
  s3::Result<void> AppendDurably(std::string_view line, s3::Waiter* waiter);
  // Blocks until every appended line is on the disk. Errors as in Append().
  s3::Result<void> Sync();

  // Returns the file's size in bytes: the kept lines and the lines that this process has appended.
  std::uint64_t size_bytes() const;
  bool failed() const;

 private:
  Journal(s3::UniqueFd file, std::string path, std::uint64_t size_bytes,
          std::function<void(const s3::Error&)> on_failure);
  s3::Result<void> Status() const S3_REQUIRES(mutex_);
  void Report(const s3::Error& failure) const;
  void SyncAppended();

  const s3::UniqueFd file_;
  const std::string path_;
  const std::function<void(const s3::Error&)> on_failure_;
  mutable s3::Mutex mutex_;
  std::uint64_t size_bytes_ S3_GUARDED_BY(mutex_);
  std::optional<s3::Error> failure_ S3_GUARDED_BY(mutex_);  // the first one
  std::vector<s3::Wake> waiting_ S3_GUARDED_BY(mutex_);     // tasks that wait for the next fdatasync
  bool dirty_ S3_GUARDED_BY(mutex_) = false;                // lines were appended since the last fdatasync
  std::optional<s3::PeriodicThread> sync_thread_;
};

}  // namespace pipeline
