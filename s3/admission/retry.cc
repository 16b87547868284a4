#include "s3/admission/retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace s3 {
namespace {

using std::chrono::milliseconds;

// True for errors that the store as a whole may cause: an outage, throttling, a lack of room.
bool MayConcernWholeStore(ErrorKind kind) {
  return kind == ErrorKind::kTransient || kind == ErrorKind::kThrottled || kind == ErrorKind::kStoreFull;
}

Error StoppedBeforeRetry(Error last_error) {
  last_error.message =
      "the run was stopped before the next attempt; the last attempt failed: " + last_error.message;
  last_error.kind = ErrorKind::kCancelled;
  return last_error;
}

}  // namespace

milliseconds BackoffDelay(const RetryOptions& options, int retry, double uniform) {
  // 2^20 is far beyond every cap; a larger shift would overflow.
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
  const int max_exempt = kMaxExemptionsPerAttempt * options.max_attempts;
  int number = 1, exempt = 0;
  for (;;) {
    auto result = attempt(number);
    if (result || !IsRetryable(result.error().kind)) return {std::move(result), number};
    const auto& error = result.error();
    const auto exemption = MayConcernWholeStore(error.kind) ? hooks.exemption(error) : RetryExemption::kNone;
    if (exemption == RetryExemption::kOutage) continue;
    const bool counts = exemption == RetryExemption::kNone || exempt >= max_exempt;
    if (counts && number >= options.max_attempts) return {std::move(result), number};
    // Exempt failures lengthen the backoff, too, because the store is overloaded.
    const auto delay = RetryDelay(options, number - 1 + exempt, hooks.uniform(), error);
    if (counts) hooks.on_retry({number, options.max_attempts, delay, error});
    if (!hooks.sleep(delay, error)) return {tl::unexpected(StoppedBeforeRetry(error)), number};
    if (counts) {
      ++number;
    } else {
      ++exempt;
    }
  }
}

}  // namespace s3
