// Passes commands from any thread to the thread of one event loop.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "s3/base/mutex.h"
#include "s3/base/unique_fd.h"
#include "s3/base/waiter.h"

namespace s3 {

// Thread-safe. `E` is the loop's kind of exchange.
template <typename E>
class CommandQueue {
 public:
  using Clock = std::chrono::steady_clock;

  struct Batch {
    std::vector<std::unique_ptr<E>> exchanges;  // new: the loop must begin them
    std::vector<std::pair<Clock::time_point, Wake>> timers;
    // Once a flag is true, it is true in all later batches, too.
    bool cancel_timers = false, abort = false, quit = false;
  };

  // Throws std::system_error when the process or the system has no file descriptor left.
  CommandQueue();

  // An eventfd: readable while commands wait.
  int fd() const { return event_.get(); }
  // Takes all commands since the last call. Only for the loop's thread.
  Batch Take();

  void Add(std::unique_ptr<E> exchange);
  void Add(Clock::time_point deadline, Wake wake);
  void CancelTimers();
  void Abort();
  void Quit();

  // A free list of exchanges, which keep their allocated memory for the next requests. TakeRecycled returns
  // null when the list is empty. Recycle moves all of `*finished` to the list.
  std::unique_ptr<E> TakeRecycled();
  void Recycle(std::vector<std::unique_ptr<E>>* finished);

 private:
  // Adds a command under the lock and wakes the loop.
  template <typename Change>
  void Post(const Change& change);

  const UniqueFd event_;
  Mutex mutex_;
  std::vector<std::unique_ptr<E>> recycled_ S3_GUARDED_BY(mutex_);
  Batch batch_ S3_GUARDED_BY(mutex_);
  bool is_notified_ S3_GUARDED_BY(mutex_) = false;  // the eventfd was written since the last Take
};

template <typename E>
CommandQueue<E>::CommandQueue() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_.get() < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

// Writes the eventfd only for the first command of a batch: one write wakes the loop for all.
template <typename E>
template <typename Change>
void CommandQueue<E>::Post(const Change& change) {
  {
    MutexLock lock(mutex_);
    change();
    if (std::exchange(is_notified_, true)) return;
  }
  const std::uint64_t one = 1;
  // The eventfd's counter cannot overflow, because Take resets it before the next write.
  [[maybe_unused]] const auto written = write(event_.get(), &one, sizeof one);
}

template <typename E>
typename CommandQueue<E>::Batch CommandQueue<E>::Take() {
  std::uint64_t value;
  [[maybe_unused]] const auto bytes = read(event_.get(), &value, sizeof value);
  Batch taken;
  MutexLock lock(mutex_);
  is_notified_ = false;
  taken.exchanges.swap(batch_.exchanges);
  taken.timers.swap(batch_.timers);
  taken.cancel_timers = batch_.cancel_timers;
  taken.abort = batch_.abort;
  taken.quit = batch_.quit;
  return taken;
}

template <typename E>
void CommandQueue<E>::Add(std::unique_ptr<E> exchange) {
  Post([&]() S3_REQUIRES(mutex_) { batch_.exchanges.push_back(std::move(exchange)); });
}

template <typename E>
void CommandQueue<E>::Add(Clock::time_point deadline, Wake wake) {
  Post([&]() S3_REQUIRES(mutex_) { batch_.timers.emplace_back(deadline, wake); });
}

template <typename E>
void CommandQueue<E>::CancelTimers() {
  Post([&]() S3_REQUIRES(mutex_) { batch_.cancel_timers = true; });
}

template <typename E>
void CommandQueue<E>::Abort() {
  Post([&]() S3_REQUIRES(mutex_) { batch_.abort = true; });
}

template <typename E>
void CommandQueue<E>::Quit() {
  Post([&]() S3_REQUIRES(mutex_) { batch_.quit = true; });
}

template <typename E>
std::unique_ptr<E> CommandQueue<E>::TakeRecycled() {
  MutexLock lock(mutex_);
  if (recycled_.empty()) return nullptr;
  auto exchange = std::move(recycled_.back());
  recycled_.pop_back();
  return exchange;
}

template <typename E>
void CommandQueue<E>::Recycle(std::vector<std::unique_ptr<E>>* finished) {
  {
    MutexLock lock(mutex_);
    std::ranges::move(*finished, std::back_inserter(recycled_));
  }
  finished->clear();
}

}  // namespace s3
