// Finds the exchanges in flight that make no progress: stalled, overdue, stragglers, without 100 Continue.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "s3/options.h"
#include "s3/transport/exchange_base.h"
#include "s3/transport/straggler_detector.h"

namespace s3 {

// Belongs to the event loop's thread, which asks it at regular times and acts upon its findings.
class ExchangeWatchdog {
 public:
  using Clock = ExchangeBase::Clock;

  // `loops`: the number of watchdogs that together keep the limit on cancelled stragglers.
  ExchangeWatchdog(const TransportOptions& options, int loops);

  // When to call Check next: several times in a stall window while there are exchanges, else never.
  Clock::time_point deadline() const { return next_check_; }
  void Schedule(Clock::time_point now) { next_check_ = now + interval_; }
  void Stop() { next_check_ = Clock::time_point::max(); }

  // Each exchange is in at most one of the lists.
  template <typename E>
  struct Findings {
    std::vector<E*> stalled;            // fewer than `stall_bytes` moved in `stall_window`
    std::vector<E*> overdue;            // the response takes longer than `response_timeout`
    std::vector<E*> stragglers;         // far slower than their peers, and within the limit: cancel them
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

  // Call it for each response: the response times tell which exchanges are stragglers.
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
