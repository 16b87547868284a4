// Which errors are tried again (ErrorKind), how long to wait (the delay law below), and the loop.
#pragma once

#include <chrono>
#include <functional>

#include "s3/api/classify_response.h"
#include "s3/base/result.h"
#include "s3/options.h"

namespace s3 {

// Full jitter: uniform * min(cap, base_delay * 2^retry), `retry` counting from 0 and `uniform`
// from [0, 1]. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
std::chrono::milliseconds BackoffDelay(const RetryOptions& options, int retry, double uniform);

// The delay after `error`: the backoff, at least Retry-After; x-amz-retry-after instead moves it
// within [backoff, backoff + 5 s], as the AWS SDKs do since 2026.
std::chrono::milliseconds RetryDelay(const RetryOptions& options, int retry, double uniform,
                                     const Error& error);

// A uniform random number from [0, 1); thread-safe, seeded per thread from the system.
double UniformRandom();

struct RetryEvent {
  int attempt;  // the one that failed; the first is 1
  int max_attempts;
  std::chrono::milliseconds delay;
  const Error& error;
};

// How a request ended, and after how many attempts.
struct RetryResult {
  Result<Response> answer;
  int attempts = 0;
};

// Why a failure says nothing about its request.
enum class RetryExemption {
  kNone,
  kOutage,  // the store was away; it is back, and the request can be sent at once
  kPace,    // more was sent than the store takes, which was not known then; backoff applies
};

// kPace excuses so many failures of one request for each of its attempts: no request goes on for ever.
inline constexpr int kMaxExcused = 4;

struct RetryHooks {
  // Waits; false when the run is stopping, which ends the loop with kCancelled.
  std::function<bool(std::chrono::milliseconds)> sleep;
  std::function<void(const RetryEvent&)> on_retry = [](const RetryEvent&) {};
  // Asked after a failure that may be the store's: whether it was no attempt.
  std::function<RetryExemption(const Error&)> excuse = [](const Error&) { return RetryExemption::kNone; };
  std::function<double()> uniform = UniformRandom;
};

// Called with the number of the attempt, from 1 on.
using Attempt = std::function<Result<Response>(int number)>;

// Calls `attempt` until it succeeds, fails for good, or max_attempts are spent.
RetryResult RunAttempts(const RetryOptions& options, const RetryHooks& hooks, const Attempt& attempt);

}  // namespace s3
