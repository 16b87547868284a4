// Wakes (callbacks) with the times at which they are due, ordered by time. Not thread-safe.
#pragma once

#include <chrono>
#include <map>

#include "s3/base/waiter.h"

namespace s3 {

class TimerQueue {
 public:
  using Clock = std::chrono::steady_clock;

  void Add(Clock::time_point deadline, Wake wake) { timers_.emplace(deadline, wake); }
  // Makes all timers due at once, also the timers that are added later.
  void Cancel() { cancelled_ = true; }

  // Returns the earliest deadline; time_point::max() when there is no timer. Ignores Cancel().
  Clock::time_point deadline() const {
    return timers_.empty() ? Clock::time_point::max() : timers_.begin()->first;
  }
  // Calls all Wakes that are due at `now`, the earliest first. A Wake may add timers.
  void WakeDue(Clock::time_point now) {
    while (!timers_.empty() && (cancelled_ || timers_.begin()->first <= now)) {
      const Wake wake = timers_.begin()->second;
      timers_.erase(timers_.begin());
      wake();
    }
  }

 private:
  std::multimap<Clock::time_point, Wake> timers_;
  bool cancelled_ = false;
};

}  // namespace s3
