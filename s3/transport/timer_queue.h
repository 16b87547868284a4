// Bodies that wait for a moment, by when it is. A value; not thread-safe.
#pragma once

#include <chrono>
#include <map>

#include "s3/base/waiter.h"

namespace s3 {

class TimerQueue {
 public:
  using Clock = std::chrono::steady_clock;

  void Add(Clock::time_point until, Wake wake) { sleeps_.emplace(until, wake); }
  // From now on every sleep is over, those to come too.
  void Cancel() { cancelled_ = true; }

  // When the first is over; the end of time without any.
  Clock::time_point deadline() const {
    return sleeps_.empty() ? Clock::time_point::max() : sleeps_.begin()->first;
  }
  void WakeDue(Clock::time_point now) {
    while (!sleeps_.empty() && (cancelled_ || sleeps_.begin()->first <= now)) {
      const Wake wake = sleeps_.begin()->second;
      sleeps_.erase(sleeps_.begin());
      wake();
    }
  }

 private:
  std::multimap<Clock::time_point, Wake> sleeps_;
  bool cancelled_ = false;
};

}  // namespace s3
