#include "s3/admission/retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace s3 {

using std::chrono::milliseconds;

milliseconds BackoffDelay(const RetryOptions& options, int retry, double uniform) {
  // Beyond 2^20 the cap has won long before; shifting further would overflow.
  const double factor = static_cast<double>(1 << std::clamp(retry, 0, 20));
  const double limit = std::min(static_cast<double>(options.cap.count()),
                                static_cast<double>(options.base_delay.count()) * factor);
  return milliseconds(static_cast<std::int64_t>(uniform * limit));
}

milliseconds RetryDelay(const RetryOptions& options, int retry, double uniform, const Error& error) {
  const auto backoff = BackoffDelay(options, retry, uniform);
  if (!error.retry_after) return backoff;
  if (error.retry_after_is_advice) {
    return std::clamp(*error.retry_after, backoff, backoff + milliseconds(5000));
  }
  return std::max(*error.retry_after, backoff);
}

double UniformRandom() {
  thread_local std::mt19937_64 engine{(std::uint64_t{std::random_device{}()} << 32) ^ std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

RetryResult RunAttempts(const RetryOptions& options, const RetryHooks& hooks, const Attempt& attempt) {
  int number = 1, excused = 0;
  for (;;) {
    auto answer = attempt(number);
    if (answer || !IsRetryable(answer.error().kind)) return {std::move(answer), number};
    auto& error = answer.error();
    auto excuse = RetryExemption::kNone;
    const bool may_be_the_store = error.kind == ErrorKind::kTransient ||
                                  error.kind == ErrorKind::kThrottled || error.kind == ErrorKind::kStoreFull;
    if (may_be_the_store) excuse = hooks.excuse(error);
    if (excuse == RetryExemption::kOutage) continue;
    if (excuse == RetryExemption::kPace && excused >= kMaxExcused * options.max_attempts)
      excuse = RetryExemption::kNone;
    if (excuse == RetryExemption::kNone && number >= options.max_attempts) return {std::move(answer), number};
    const auto delay = RetryDelay(options, number - 1 + excused, hooks.uniform(), error);
    if (excuse == RetryExemption::kNone) hooks.on_retry({number, options.max_attempts, delay, error});
    if (!hooks.sleep(delay)) {
      auto cancelled = error;
      cancelled.message = "stopped before the next attempt; the last one failed: " + cancelled.message;
      cancelled.kind = ErrorKind::kCancelled;
      return {tl::unexpected(std::move(cancelled)), number};
    }
    ++(excuse == RetryExemption::kNone ? number : excused);
  }
}

}  // namespace s3
