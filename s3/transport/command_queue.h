// What other threads hand to an event loop's thread. Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "s3/base/unique_fd.h"
#include "s3/base/waiter.h"
#include "s3/transport/exchange.h"

namespace s3 {

class CommandQueue {
 public:
  using Clock = std::chrono::steady_clock;

  struct Batch {
    std::vector<std::unique_ptr<Exchange>> exchanges;
    std::vector<std::pair<Clock::time_point, Wake>> sleeps;
    // From now on, all three.
    bool sleeps_cancelled = false, aborted = false, quit = false;
  };

  // Throws std::system_error when the system has no descriptor left.
  CommandQueue();

  // Readable when there is news.
  int fd() const { return event_.get(); }
  // The loop's: all that has come since the last call.
  Batch Take();

  void Add(std::unique_ptr<Exchange> exchange);
  void Add(Clock::time_point deadline, Wake wake);
  void CancelSleeps();
  void Abort();
  void Quit();

  // Exchanges that have ended, for those to come: each keeps what it has allocated. Null when there is none.
  std::unique_ptr<Exchange> TakeIdle();
  void GiveBack(std::vector<std::unique_ptr<Exchange>>* ended);

 private:
  template <typename Change>
  void Tell(const Change& change);

  const UniqueFd event_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Exchange>> idle_;
  Batch batch_;
  bool notified_ = false;
};

}  // namespace s3
