#include "s3/transport/command_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <system_error>

namespace s3 {

Inbox::Inbox() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_.get() < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

template <typename Change>
void Inbox::Tell(const Change& change) {
  {
    std::lock_guard lock(mutex_);
    change();
    if (std::exchange(notified_, true)) return;
  }
  const std::uint64_t one = 1;
  // The counter cannot overflow: it is read before it is written again.
  [[maybe_unused]] const auto written = write(event_.get(), &one, sizeof one);
}

Inbox::News Inbox::Take() {
  std::uint64_t value;
  [[maybe_unused]] const auto bytes = read(event_.get(), &value, sizeof value);
  News news;
  std::lock_guard lock(mutex_);
  notified_ = false;
  news.exchanges.swap(news_.exchanges);
  news.sleeps.swap(news_.sleeps);
  news.sleeps_cancelled = news_.sleeps_cancelled;
  news.aborted = news_.aborted;
  news.quit = news_.quit;
  return news;
}

void Inbox::Add(std::unique_ptr<Exchange> exchange) {
  Tell([&] { news_.exchanges.push_back(std::move(exchange)); });
}

void Inbox::Add(Clock::time_point deadline, Wake wake) {
  Tell([&] { news_.sleeps.emplace_back(deadline, wake); });
}

void Inbox::CancelSleeps() {
  Tell([&] { news_.sleeps_cancelled = true; });
}

void Inbox::Abort() {
  Tell([&] { news_.aborted = true; });
}

void Inbox::Quit() {
  Tell([&] { news_.quit = true; });
}

std::unique_ptr<Exchange> Inbox::TakeIdle() {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto idle = std::move(idle_.back());
  idle_.pop_back();
  return idle;
}

void Inbox::GiveBack(std::vector<std::unique_ptr<Exchange>>* ended) {
  {
    std::lock_guard lock(mutex_);
    std::ranges::move(*ended, std::back_inserter(idle_));
  }
  ended->clear();
}

}  // namespace s3
