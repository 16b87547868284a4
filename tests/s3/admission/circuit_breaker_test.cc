#include "s3/admission/circuit_breaker.h"

#include <gtest/gtest.h>

namespace s3 {
namespace circuit_breaker_test {

using namespace std::chrono_literals;
using Outcome = CircuitBreaker::Outcome;

const CircuitBreaker::Clock::time_point kStart{1h};

// One request that ends at once. Returns true when it opened the breaker.
bool Request(CircuitBreaker* breaker, Outcome outcome, CircuitBreaker::Clock::time_point now = kStart) {
  breaker->OnSent();
  return breaker->OnOutcome(outcome, now);
}

TEST(CircuitBreakerTest, OpensAfterFailuresInARowAndClosesGradually) {
  CircuitBreaker breaker;
  const int max_in_flight = 512;
  for (int i = 0; i < max_in_flight; ++i) breaker.OnSent();
  breaker.OnOutcome(Outcome::kResponded, kStart);
  int failures = 0;
  while (!breaker.is_open()) {
    ASSERT_LT(++failures, 2 * CircuitBreaker::kMaxFailures);
    breaker.OnOutcome(Outcome::kUnavailable, kStart + 1s);
  }
  EXPECT_FALSE(breaker.AllowsRequest());
  EXPECT_EQ(breaker.OutageLength(kStart + 2s), 0s) << "not confirmed yet";
  for (int i = failures + 1; i < max_in_flight; ++i) breaker.OnOutcome(Outcome::kUnavailable, kStart + 1s);
  breaker.OnProbeFailed();
  EXPECT_EQ(breaker.OutageLength(kStart + 61s), 60s);
  breaker.OnProbeSucceeded();
  EXPECT_EQ(breaker.confirmed_outages(), 1);
  int in_flight = 0;
  for (; breaker.AllowsRequest(); ++in_flight) breaker.OnSent();
  EXPECT_EQ(in_flight, CircuitBreaker::kFirstAllowed);
  for (int rounds = 0; in_flight < max_in_flight; ++rounds) {
    ASSERT_LT(rounds, 12) << "half of those in flight succeed, and allow half as many more";
    for (const int before = in_flight; in_flight > before / 2; --in_flight) {
      breaker.OnOutcome(Outcome::kResponded, kStart + 62s);
    }
    for (; breaker.AllowsRequest() && in_flight < max_in_flight; ++in_flight) breaker.OnSent();
  }
}

TEST(CircuitBreakerTest, MayOpenOnTheFirstFailureOfAStoreThatNeverResponded) {
  for (const auto outcome : {Outcome::kUnavailable, Outcome::kCancelled}) {
    CircuitBreaker breaker(/*opens_on_first_failure=*/true);
    for (int i = 0; i < 64; ++i) breaker.OnSent();
    EXPECT_TRUE(breaker.awaits_first_response());
    EXPECT_EQ(breaker.OnOutcome(outcome, kStart), outcome == Outcome::kUnavailable);
    EXPECT_EQ(breaker.is_open(), outcome == Outcome::kUnavailable);
  }
  CircuitBreaker patient;
  for (int i = 0; i < 64; ++i) EXPECT_FALSE(Request(&patient, Outcome::kUnavailable));
}

TEST(CircuitBreakerTest, AFullStoreGetsOneRequestAtATime) {
  CircuitBreaker breaker;
  for (int i = 0; i < 64; ++i) breaker.OnSent();
  breaker.OnOutcome(Outcome::kStored, kStart);
  EXPECT_TRUE(breaker.OnOutcome(Outcome::kFull, kStart)) << "one such response is enough";
  for (int i = 2; i < 64; ++i) {
    EXPECT_FALSE(breaker.OnOutcome(Outcome::kFull, kStart + 1s)) << "it is no new outage";
  }
  std::chrono::milliseconds delay{0};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(breaker.is_open() && breaker.is_full());
    EXPECT_EQ(breaker.OutageLength(kStart + 60s), 60s);
    EXPECT_GE(breaker.NextProbeDelay(), delay);
    delay = breaker.NextProbeDelay();
    breaker.AllowOne();
    ASSERT_TRUE(breaker.AllowsRequest());
    breaker.OnSent();
    EXPECT_FALSE(breaker.AllowsRequest());
    if (i % 2 == 0) {
      breaker.OnOutcome(Outcome::kResponded, kStart + 2s);
      EXPECT_TRUE(breaker.AllowsRequest() && breaker.is_full()) << "without data it says nothing about room";
      breaker.OnSent();
    }
    EXPECT_FALSE(breaker.OnOutcome(Outcome::kFull, kStart + 2s));
  }
  EXPECT_EQ(delay, CircuitBreaker::kMaxProbeDelayWhileFull);
  breaker.AllowOne();
  breaker.OnSent();
  breaker.OnOutcome(Outcome::kStored, kStart + 3s);
  EXPECT_FALSE(breaker.is_full());
  EXPECT_TRUE(breaker.AllowsRequest());
}

TEST(CircuitBreakerTest, StaysClosedWhenEverySecondRequestSucceeds) {
  CircuitBreaker breaker;
  for (int i = 0; i < 1000; ++i) {
    Request(&breaker, i % 2 == 0 ? Outcome::kResponded : Outcome::kUnavailable, kStart + i * 1s);
  }
  EXPECT_FALSE(breaker.is_open());
}

TEST(CircuitBreakerTest, ThrottlingOpensItOnlyAfterSomeTime) {
  CircuitBreaker breaker;
  Request(&breaker, Outcome::kResponded);
  for (int i = 0; i < 1000; ++i) Request(&breaker, Outcome::kThrottled, kStart + 1s);
  EXPECT_FALSE(breaker.is_open());
  EXPECT_TRUE(Request(&breaker, Outcome::kThrottled, kStart + 1s + CircuitBreaker::kMaxThrottledTime));
  EXPECT_TRUE(breaker.is_open());
}

TEST(CircuitBreakerTest, CancelledRequestsNeverOpenIt) {
  CircuitBreaker breaker;
  Request(&breaker, Outcome::kResponded);
  for (int i = 0; i < 1000; ++i) Request(&breaker, Outcome::kCancelled, kStart + i * 1s);
  EXPECT_FALSE(breaker.is_open());
}

}  // namespace circuit_breaker_test
}  // namespace s3
