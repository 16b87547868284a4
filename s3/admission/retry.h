// Retries one request: which failures are retried (IsRetryable), how long to wait before each retry, and the
// loop that does it.
#pragma once

#include <chrono>
#include <functional>

#include "s3/api/classify_response.h"
#include "s3/base/result.h"
#include "s3/options.h"

namespace s3 {

// Returns a delay with full jitter: uniform * min(cap, base_delay * 2^retry). `retry` counts from 0;
// `uniform` is from [0, 1). https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
std::chrono::milliseconds BackoffDelay(const RetryOptions& options, int retry, double uniform);

// Returns the delay after `error`: the backoff, but at least Retry-After. x-amz-retry-after is treated as
// advice: it sets the delay within [backoff, backoff + 5 s], as the AWS SDKs do since 2026.
std::chrono::milliseconds RetryDelay(const RetryOptions& options, int retry, double uniform,
                                     const Error& error);

// Returns a random number from [0, 1). Any thread; each thread has a generator seeded by the system.
double UniformRandom();

// A retry that is about to happen.
struct RetryEvent {
  int attempt;  // the one that failed; the first is 1
  int max_attempts;
  std::chrono::milliseconds delay;
  const Error& error;
};

// How a request ended, and how many attempts it took.
struct RetryResult {
  Result<Response> response;
  int attempts = 0;
};

// Why a failure does not count as an attempt.
enum class RetryExemption {
  kNone,         // it counts
  kOutage,       // the store was away and is back: the request is sent again without delay
  kUnknownRate,  // the rate that the store accepts was not known yet; backoff applies
};

// A request may have this many kUnknownRate exemptions, times max_attempts. After that a failure counts as an
// attempt, so that every loop ends.
inline constexpr int kMaxExemptionsPerAttempt = 4;

struct RetryHooks {
  // Waits. Returns false when the run is stopping, which ends the loop with kCancelled.
  std::function<bool(std::chrono::milliseconds)> sleep;
  // Called before each delay, except when the failure was exempt.
  std::function<void(const RetryEvent&)> on_retry = [](const RetryEvent&) {};
  // Called after a failure that the store as a whole may have caused. May wait until the store is back.
  std::function<RetryExemption(const Error&)> exemption = [](const Error&) { return RetryExemption::kNone; };
  std::function<double()> uniform = UniformRandom;
};

// Sends a request once. `number` is the attempt's number, from 1 on.
using Attempt = std::function<Result<Response>(int number)>;

// Calls `attempt` until it succeeds, fails with an error that is not retryable, or has used up max_attempts.
RetryResult RunAttempts(const RetryOptions& options, const RetryHooks& hooks, const Attempt& attempt);

}  // namespace s3
