#include "s3/admission/adaptive_rate_limiter.h"

#include <gtest/gtest.h>

#include <functional>

#include "s3/base/token_bucket.h"

namespace s3 {
namespace adaptive_rate_limiter_test {

using namespace std::chrono_literals;

const AdaptiveRateLimiter::Clock::time_point kStart{1h};

struct Shares {
  double goodput;    // accepted requests, as a share of what the store could have accepted
  double throttled;  // throttled requests, as a share of all
};

// Simulates a store that accepts `rate_at(seconds)` requests a second and throttles the others. Requests come
// as fast as the limiter allows, up to 5,000 a second. Measures from `warm_up` to `length`.
Shares Simulate(const std::function<double(double)>& rate_at, std::chrono::seconds warm_up,
                std::chrono::seconds length) {
  AdaptiveRateLimiter limiter;
  TokenBucket store, allowed;
  double accepted = 0, throttled = 0, capacity = 0;
  for (auto now = kStart; now - kStart < length; now += 1ms) {
    const double rate = rate_at(std::chrono::duration<double>(now - kStart).count());
    store.SetRate(rate, now);
    allowed.SetRate(limiter.Limit(now), now);
    const bool counts = now - kStart >= warm_up;
    if (counts) capacity += rate / 1000;
    for (int i = 0; i < 5 && allowed.Ready(now); ++i) {
      allowed.Take(1);
      if (store.Ready(now)) {
        store.Take(1);
        limiter.OnAccepted(now);
        accepted += counts;
      } else {
        limiter.OnThrottled(now);
        throttled += counts;
      }
    }
  }
  return {accepted / capacity, throttled / (accepted + throttled)};
}

TEST(AdaptiveRateLimiterTest, FindsTheRateThatTheStoreAccepts) {
  for (const double rate : {50.0, 200.0, 1000.0}) {
    const auto [goodput, throttled] = Simulate([=](double) { return rate; }, 30s, 120s);
    EXPECT_GT(goodput, 0.85) << rate;
    EXPECT_LT(throttled, 0.05) << rate;
  }
}

TEST(AdaptiveRateLimiterTest, FollowsAStoreWhoseRateChanges) {
  const auto [goodput, throttled] = Simulate([](double s) { return s < 40 ? 100.0 : 1000.0; }, 60s, 120s);
  EXPECT_GT(goodput, 0.85);
  EXPECT_LT(throttled, 0.05);
}

TEST(AdaptiveRateLimiterTest, AFewThrottledResponsesSetNoLimit) {
  AdaptiveRateLimiter limiter;
  for (int i = 1; i < AdaptiveRateLimiter::kMinThrottled; ++i) limiter.OnThrottled(kStart);
  EXPECT_EQ(limiter.Limit(kStart), 0);
  EXPECT_FALSE(limiter.IsEstimatingRate(kStart));
}

TEST(AdaptiveRateLimiterTest, TheLimitEndsWhenNothingIsThrottledAnyMore) {
  AdaptiveRateLimiter limiter;
  auto now = kStart;
  limiter.OnThrottled(now);
  now += AdaptiveRateLimiter::kCutInterval;
  for (int i = 0; i < AdaptiveRateLimiter::kMinThrottled; ++i) limiter.OnThrottled(now);
  now += AdaptiveRateLimiter::kCutInterval / 2;
  limiter.OnThrottled(now);
  EXPECT_GE(limiter.Limit(now), AdaptiveRateLimiter::kMin);
  EXPECT_TRUE(limiter.IsEstimatingRate(now)) << "the cut has not had its effect yet";
  EXPECT_FALSE(limiter.IsEstimatingRate(now + AdaptiveRateLimiter::kCutInterval));
  while (limiter.Limit(now) > 0 && now - kStart < 1h) now += 100ms;
  EXPECT_LT(now - kStart, 60s);
}

}  // namespace adaptive_rate_limiter_test
}  // namespace s3
