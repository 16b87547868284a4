// Passes commands from any thread to the thread of one event loop.
#pragma once

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "s3/base/mutex.h"
#include "s3/base/unique_fd.h"
#include "s3/base/waiter.h"
#include "s3/transport/exchange.h"

namespace s3 {

// Thread-safe.
class CommandQueue {
 public:
  using Clock = std::chrono::steady_clock;

  struct Batch {
    std::vector<std::unique_ptr<Exchange>> exchanges;  // new: the loop must begin them
    std::vector<std::pair<Clock::time_point, Wake>> timers;
    // Each flag that is true once is true in all later batches.
    bool cancel_timers = false, abort = false, quit = false;
  };

  // Throws std::system_error when the process or the system has no file descriptor left.
  CommandQueue();

  // An eventfd: readable while commands wait.
  int fd() const { return event_.get(); }
  // Takes all commands since the last call. Only for the loop's thread.
  Batch Take();

  void Add(std::unique_ptr<Exchange> exchange);
  void Add(Clock::time_point deadline, Wake wake);
  void CancelTimers();
  void Abort();
  void Quit();

  // A free list of exchanges, which keep their allocated memory for the next requests. TakeRecycled returns
  // null when the list is empty. Recycle moves all of `*finished` to the list.
  std::unique_ptr<Exchange> TakeRecycled();
  void Recycle(std::vector<std::unique_ptr<Exchange>>* finished);

 private:
  // Adds a command under the lock and wakes the loop.
  template <typename Change>
  void Post(const Change& change);

  const UniqueFd event_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Exchange>> recycled_ S3_GUARDED_BY(mutex_);
  Batch batch_ S3_GUARDED_BY(mutex_);
  bool is_notified_ S3_GUARDED_BY(mutex_) = false;  // the eventfd was written since the last Take
};

}  // namespace s3
