// Retries one request: computes the delay before each retry, and runs the loop. IsRetryable() in
// s3/base/result.h says which failures are retried.
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
// advice: the delay follows it only within [backoff, backoff + 5 s], as the AWS SDKs do since 2026.
std::chrono::milliseconds RetryDelay(const RetryOptions& options, int retry, double uniform,
                                     const Error& error);

// Returns a random number from [0, 1). Any thread; each thread has its own generator with a seed from the
// system.
double UniformRandom();

// A retry that is about to happen.
struct RetryEvent {
  int attempt;  // the number of the failed attempt, from 1
  int max_attempts;
  std::chrono::milliseconds delay;
  const Error& error;
};

// How a request ended, and how many attempts it took.
struct RetryResult {
  Result<Response> response;
  int attempts = 0;
};

// Why a failure does not use up an attempt.
enum class RetryExemption {
  kNone,         // it uses up an attempt
  kOutage,       // the store was away or full: the request is sent again without delay
  kUnknownRate,  // the rate that the store accepts was not known yet; backoff applies
};

// A request may have max_attempts times this number of kUnknownRate exemptions. Every further failure uses up
// an attempt, so that every loop ends.
inline constexpr int kMaxExemptionsPerAttempt = 4;

struct RetryHooks {
  // Waits for the given time after an error. Returns false when the run is stopping. The loop then ends with
  // kCancelled.
  std::function<bool(std::chrono::milliseconds, const Error&)> sleep;
  // Called before each delay, except when the failure was exempt.
  std::function<void(const RetryEvent&)> on_retry = [](const RetryEvent&) {};
  // Called after a failure that the store as a whole may have caused. May wait until the store is back.
  std::function<RetryExemption(const Error&)> exemption = [](const Error&) { return RetryExemption::kNone; };
  std::function<double()> uniform = UniformRandom;
};

// Sends a request once. `number` is the attempt's number, from 1 on. After an exempt failure the next attempt
// has the same number.
using Attempt = std::function<Result<Response>(int number)>;

// Calls `attempt` until it succeeds, fails with an error that is not retryable, or has used up max_attempts.
RetryResult RunAttempts(const RetryOptions& options, const RetryHooks& hooks, const Attempt& attempt);

}  // namespace s3
