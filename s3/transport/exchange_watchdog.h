// Finds the exchanges in flight that make no progress: stalled, overdue, stragglers, without 100 Continue.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "s3/options.h"
#include "s3/transport/exchange.h"
#include "s3/transport/straggler_detector.h"

namespace s3 {

// For the event loop's thread only: the loop calls Check at regular times and handles the findings.
class ExchangeWatchdog {
 public:
  using Clock = Exchange::Clock;

  // `loops`: the number of watchdogs that share the limit on cancelled stragglers.
  ExchangeWatchdog(const TransportOptions& options, int loops);

  // Returns when to call Check next: several times in a stall window after Schedule; time_point::max() after
  // Stop.
  Clock::time_point deadline() const { return next_check_; }
  void Schedule(Clock::time_point now) { next_check_ = now + interval_; }
  void Stop() { next_check_ = Clock::time_point::max(); }

  // Each exchange is in at most one of the lists.
  struct Findings {
    std::vector<Exchange*> stalled;            // fewer than `stall_bytes` moved in `stall_window`
    std::vector<Exchange*> overdue;            // the response takes longer than `response_timeout`
    std::vector<Exchange*> stragglers;         // far slower than their peers: cancel them
    std::vector<Exchange*> continue_timeouts;  // no 100 Continue came: send the body without it
  };
  // Looks at all exchanges in flight and schedules the next check.
  Findings Check(const std::vector<std::unique_ptr<Exchange>>& active, Clock::time_point now);

  // Call RecordResponse for each response. Check compares the ages of exchanges with these response times.
  void RecordResponse(const Exchange& exchange) {
    stragglers_.Answered(exchange.body_bytes(), exchange.Age(Clock::now()));
  }

 private:
  bool IsStraggler(const Exchange& exchange, Clock::time_point now) const;

  const std::chrono::milliseconds interval_;
  StragglerDetector stragglers_;
  Clock::time_point next_check_ = Clock::time_point::max();
};

}  // namespace s3
