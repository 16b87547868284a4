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

template <typename Change>
void CommandQueue::Tell(const Change& change) {
  {
    std::lock_guard lock(mutex_);
    change();
    if (std::exchange(notified_, true)) return;
  }
  const std::uint64_t one = 1;
  // The counter cannot overflow: it is read before it is written again.
  [[maybe_unused]] const auto written = write(event_.get(), &one, sizeof one);
}

CommandQueue::Batch CommandQueue::Take() {
  std::uint64_t value;
  [[maybe_unused]] const auto bytes = read(event_.get(), &value, sizeof value);
  Batch news;
  std::lock_guard lock(mutex_);
  notified_ = false;
  news.exchanges.swap(batch_.exchanges);
  news.sleeps.swap(batch_.sleeps);
  news.sleeps_cancelled = batch_.sleeps_cancelled;
  news.aborted = batch_.aborted;
  news.quit = batch_.quit;
  return news;
}

void CommandQueue::Add(std::unique_ptr<Exchange> exchange) {
  Tell([&] { batch_.exchanges.push_back(std::move(exchange)); });
}

void CommandQueue::Add(Clock::time_point deadline, Wake wake) {
  Tell([&] { batch_.sleeps.emplace_back(deadline, wake); });
}

void CommandQueue::CancelSleeps() {
  Tell([&] { batch_.sleeps_cancelled = true; });
}

void CommandQueue::Abort() {
  Tell([&] { batch_.aborted = true; });
}

void CommandQueue::Quit() {
  Tell([&] { batch_.quit = true; });
}

std::unique_ptr<Exchange> CommandQueue::TakeIdle() {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto idle = std::move(idle_.back());
  idle_.pop_back();
  return idle;
}

void CommandQueue::GiveBack(std::vector<std::unique_ptr<Exchange>>* ended) {
  {
    std::lock_guard lock(mutex_);
    std::ranges::move(*ended, std::back_inserter(idle_));
  }
  ended->clear();
}

}  // namespace s3
