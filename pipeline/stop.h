// Stops a run early, for one cause and in two steps: Drain(), then Abort(). Thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "s3/base/mutex.h"
#include "s3/base/result.h"

namespace pipeline {

enum class StopCause {
  kInterrupt,         // SIGINT
  kTerminate,         // SIGTERM, SIGUSR1
  kStoreUnreachable,  // the store was unreachable or full for too long, or could not be listed
  kTimeLimit,         // limits.time, or the end of the Slurm job
  kTooManyFailures,   // limits.on_failure
  kNoCredentials,     // the credentials have expired, and could not be renewed
  kRefused,           // the store refused the whole run, not only single objects
  kJournalFailed,     // results cannot be recorded
};

class StopControl {
 public:
  // Drain: starts no new work, and finishes the requests in flight without waiting for retries. Further calls
  // do not replace the first cause and its message.
  void Drain(StopCause cause, std::string message) {
    {
      const s3::MutexLock lock(mutex_);
      if (!cause_) {
        cause_ = cause;
        message_ = std::move(message);
      }
    }
    drain_.request_stop();
  }
  // Abort: cancels the requests in flight, too.
  void Abort() { abort_.request_stop(); }

  std::stop_token drain_token() const { return drain_.get_token(); }
  std::stop_token abort_token() const { return abort_.get_token(); }
  // Returns the first cause, or nothing if Drain() has not been called.
  std::optional<StopCause> cause() const {
    const s3::MutexLock lock(mutex_);
    return cause_;
  }
  std::string message() const {
    const s3::MutexLock lock(mutex_);
    return message_;
  }

 private:
  mutable s3::Mutex mutex_;
  std::optional<StopCause> cause_ S3_GUARDED_BY(mutex_);
  std::string message_ S3_GUARDED_BY(mutex_);
  std::stop_source drain_;
  std::stop_source abort_;
};

// Returns a callback for Journal that drains the run when the journal cannot be written. `stop` is not owned
// and must outlive the journal.
inline std::function<void(const s3::Error&)> DrainOnJournalFailure(StopControl* stop) {
  return [stop](const s3::Error& error) {
    stop->Drain(StopCause::kJournalFailed, "cannot write the journal: " + error.message);
  };
}

}  // namespace pipeline
