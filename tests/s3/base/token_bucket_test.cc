#include "s3/base/token_bucket.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/support.h"

namespace s3 {
namespace token_bucket_test {

using namespace std::chrono_literals;

const TokenBucket::Clock::time_point kStart{1h};

TEST(TokenBucketTest, KeepsTheAverageRateForRequestsOfAnySize) {
  auto random = test::SeededRandom();
  for (const double rate : {10.0, 1000.0, 1e6}) {
    TokenBucket bucket;
    bucket.SetRate(rate, kStart);
    auto now = kStart;
    double taken = 0;
    while (now - kStart < 100s) {
      now += bucket.Until(now);
      ASSERT_TRUE(bucket.Ready(now));
      const double units = std::uniform_real_distribution<double>(0, rate / 2)(random);
      bucket.Take(units);
      taken += units;
    }
    EXPECT_NEAR(taken / 100, rate, rate * 0.02);
  }
}

TEST(TokenBucketTest, TheRateCanBeChangedAndRemoved) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Ready(kStart));
  bucket.SetRate(1, kStart);
  bucket.Take(10);
  EXPECT_FALSE(bucket.Ready(kStart + 1s));
  bucket.SetRate(100, kStart + 1s);
  EXPECT_TRUE(bucket.Ready(kStart + 1s + 100ms));
  bucket.Take(1000);
  bucket.SetRate(0, kStart + 2s);
  EXPECT_TRUE(bucket.Ready(kStart + 2s));
}

}  // namespace token_bucket_test
}  // namespace s3
