// Finds the exchanges in flight that make no progress: stalled, overdue, stragglers, without 100 Continue.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "s3/options.h"
#include "s3/transport/exchange_base.h"
#include "s3/transport/straggler_detector.h"

namespace s3 {

// For the event loop's thread only: the loop calls Check at regular times and handles the findings.
class ExchangeWatchdog {
 public:
  using Clock = ExchangeBase::Clock;

  // `loops`: the number of watchdogs that share the limit on cancelled stragglers.
  ExchangeWatchdog(const TransportOptions& options, int loops);

  // Returns the time at which to call Check next; time_point::max() before the first Schedule and after Stop.
  // The times are so close that several checks fall into each stall window.
  Clock::time_point deadline() const { return next_check_; }
  void Schedule(Clock::time_point now) { next_check_ = now + interval_; }
  void Stop() { next_check_ = Clock::time_point::max(); }

  // Each exchange is in at most one of the lists.
  template <typename E>
  struct Findings {
    std::vector<E*> stalled;            // fewer than `stall_bytes` moved in `stall_window`
    std::vector<E*> overdue;            // the response takes longer than `response_timeout`
    std::vector<E*> stragglers;         // far slower than their peers: cancel them
    std::vector<E*> continue_timeouts;  // no 100 Continue came: send the body without it
  };
  // Looks at all exchanges in flight and schedules the next check.
  template <typename E>
  Findings<E> Check(const std::vector<std::unique_ptr<E>>& active, Clock::time_point now) {
    Schedule(now);
    stragglers_.InFlight(active.size());
    Findings<E> found;
    for (const auto& exchange : active) {
      if (exchange->HasStalled(now)) {
        found.stalled.push_back(exchange.get());
      } else if (exchange->IsOverdue(now)) {
        found.overdue.push_back(exchange.get());
      } else if (IsStraggler(*exchange, now) && stragglers_.TryCancel(now)) {
        found.stragglers.push_back(exchange.get());
      } else if (exchange->HasContinueTimedOut(now)) {
        found.continue_timeouts.push_back(exchange.get());
      }
    }
    return found;
  }

  // Records how long the response took. Check compares the ages of exchanges in flight with these times. Call
  // it for each response.
  void RecordResponse(const ExchangeBase& exchange) {
    stragglers_.Answered(exchange.body_bytes(), exchange.Age(Clock::now()));
  }

 private:
  bool IsStraggler(const ExchangeBase& exchange, Clock::time_point now) const;

  const std::chrono::milliseconds interval_;
  StragglerDetector stragglers_;
  Clock::time_point next_check_ = Clock::time_point::max();
};

}  // namespace s3
