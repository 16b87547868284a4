// Looks every now and then for exchanges that do not get on; part of the event loop.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "s3/options.h"
#include "s3/transport/exchange.h"
#include "s3/transport/straggler_detector.h"

namespace s3 {

// Belongs to the event loop's thread.
class ExchangeWatchdog {
 public:
  using Clock = Exchange::Clock;

  // `loops`: how many guards share what may be given up.
  ExchangeWatchdog(const TransportOptions& options, int loops);

  // When to look: while there are exchanges, several times in a stall window.
  Clock::time_point deadline() const { return next_look_; }
  void Start(Clock::time_point now) { next_look_ = now + interval_; }
  void Stop() { next_look_ = Clock::time_point::max(); }

  // Each exchange is in one of them at most.
  struct Findings {
    std::vector<Exchange*> stalled;            // moved too little for too long
    std::vector<Exchange*> overdue;            // whose response takes too long
    std::vector<Exchange*> slow;               // stragglers that may be given up
    std::vector<Exchange*> continue_timeouts;  // whose server does not say whether it takes the body
  };
  // Of those in flight; looks again later.
  Findings Look(const std::vector<std::unique_ptr<Exchange>>& active, Clock::time_point now);

  // Is told of every answer: what stragglers are compared with.
  void Answered(const Exchange& exchange) {
    stragglers_.Answered(exchange.body_bytes(), exchange.Age(Clock::now()));
  }

 private:
  bool IsStraggler(const Exchange& exchange, Clock::time_point now) const;

  const std::chrono::milliseconds interval_;
  StragglerDetector stragglers_;
  Clock::time_point next_look_ = Clock::time_point::max();
};

}  // namespace s3
