#include "s3/transport/command_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <system_error>

namespace s3 {

CommandQueue::CommandQueue() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_.get() < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

// Writes the eventfd only for the first command of a batch: one write wakes the loop for all.
template <typename Change>
void CommandQueue::Post(const Change& change) {
  {
    MutexLock lock(mutex_);
    change();
    if (std::exchange(is_notified_, true)) return;
  }
  const std::uint64_t one = 1;
  // The eventfd's counter cannot overflow, because Take resets it before the next write.
  [[maybe_unused]] const auto written = write(event_.get(), &one, sizeof one);
}

CommandQueue::Batch CommandQueue::Take() {
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

void CommandQueue::Add(std::unique_ptr<Exchange> exchange) {
  Post([&]() S3_REQUIRES(mutex_) { batch_.exchanges.push_back(std::move(exchange)); });
}

void CommandQueue::Add(Clock::time_point deadline, Wake wake) {
  Post([&]() S3_REQUIRES(mutex_) { batch_.timers.emplace_back(deadline, wake); });
}

void CommandQueue::CancelTimers() {
  Post([&]() S3_REQUIRES(mutex_) { batch_.cancel_timers = true; });
}

void CommandQueue::Abort() {
  Post([&]() S3_REQUIRES(mutex_) { batch_.abort = true; });
}

void CommandQueue::Quit() {
  Post([&]() S3_REQUIRES(mutex_) { batch_.quit = true; });
}

std::unique_ptr<Exchange> CommandQueue::TakeRecycled() {
  MutexLock lock(mutex_);
  if (recycled_.empty()) return nullptr;
  auto exchange = std::move(recycled_.back());
  recycled_.pop_back();
  return exchange;
}

void CommandQueue::Recycle(std::vector<std::unique_ptr<Exchange>>* finished) {
  {
    MutexLock lock(mutex_);
    std::ranges::move(*finished, std::back_inserter(recycled_));
  }
  finished->clear();
}

}  // namespace s3
