// How a run is stopped early: one cause, two degrees. Thread-safe.
#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace pipeline {

enum class StopCause {
  kInterrupt,         // SIGINT
  kTerminate,         // SIGTERM, SIGUSR1
  kStoreUnreachable,  // what is there could not be found out
  kTimeLimit,         // limits.time, or the end of the Slurm job
  kTooManyFailures,   // limits.failures
  kNoCredentials,     // they have expired, and there are no others
  kRefused,           // the store refuses the whole run
  kJournalFailed,     // results cannot be recorded
};

class StopControl {
 public:
  // No new work; what is in flight ends, backoffs do not. The first cause is kept.
  void Drain(StopCause cause, std::string message) {
    {
      std::lock_guard lock(mutex_);
      if (!cause_) {
        cause_ = cause;
        message_ = std::move(message);
      }
    }
    drain_.request_stop();
  }
  // Ends what is in flight, too.
  void Abort() { abort_.request_stop(); }

  std::stop_token drain_token() const { return drain_.get_token(); }
  std::stop_token abort_token() const { return abort_.get_token(); }
  std::optional<StopCause> cause() const {
    std::lock_guard lock(mutex_);
    return cause_;
  }
  std::string message() const {
    std::lock_guard lock(mutex_);
    return message_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<StopCause> cause_;
  std::string message_;
  std::stop_source drain_;
  std::stop_source abort_;
};

}  // namespace pipeline
