#include "s3/transport/exchange_watchdog.h"

#include <algorithm>

namespace s3 {

using namespace std::chrono_literals;

ExchangeWatchdog::ExchangeWatchdog(const TransportOptions& options, int loops)
    : interval_(std::clamp<std::chrono::milliseconds>(options.stall_window / 8, 10ms, 50ms)),
      stragglers_(loops) {}

ExchangeWatchdog::Findings ExchangeWatchdog::Check(const std::vector<std::unique_ptr<Exchange>>& active,
                                                   Clock::time_point now) {
  Schedule(now);
  stragglers_.InFlight(active.size());
  Findings found;
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

bool ExchangeWatchdog::IsStraggler(const Exchange& exchange, Clock::time_point now) const {
  if (!exchange.may_cancel_if_slow()) return false;
  const auto limit = stragglers_.Limit(exchange.body_bytes());
  return limit && exchange.Age(now) > *limit;
}

}  // namespace s3
