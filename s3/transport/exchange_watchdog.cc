#include "s3/transport/exchange_watchdog.h"

#include <algorithm>

namespace s3 {

using namespace std::chrono_literals;

ExchangeWatchdog::ExchangeWatchdog(const TransportOptions& options, int loops)
    : interval_(std::clamp<std::chrono::milliseconds>(options.stall_window / 8, 10ms, 50ms)),
      stragglers_(loops) {}

bool ExchangeWatchdog::IsStraggler(const ExchangeBase& exchange, Clock::time_point now) const {
  if (!exchange.may_cancel_if_slow()) return false;
  const auto limit = stragglers_.Limit(exchange.body_bytes());
  return limit && exchange.Age(now) > *limit;
}

}  // namespace s3
