#include "s3/admission/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/support.h"

namespace s3 {
namespace retry_test {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr RetryOptions kOptions{
    .max_attempts = 5, .base_delay = milliseconds(200), .cap = milliseconds(1000)};

TEST(BackoffTest, LimitDoublesUpToTheCap) {
  std::vector<long> limits;
  for (const int retry : {0, 1, 2, 3, 4, 1000}) limits.push_back(BackoffDelay(kOptions, retry, 1.0).count());
  EXPECT_THAT(limits, ElementsAre(200, 400, 800, 1000, 1000, 1000));
  EXPECT_EQ(BackoffDelay(kOptions, 3, 0.0).count(), 0);
  EXPECT_EQ(BackoffDelay(kOptions, 1, 0.25).count(), 100);
}

TEST(BackoffTest, FullJitterIsUniform) {
  // 10 buckets of 10,000 draws: a chi-square above 33.7 has a probability of 1 in 10,000.
  auto random = test::SeededRandom();
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<int> buckets(10);
  for (int i = 0; i < 10'000; ++i)
    ++buckets[static_cast<std::size_t>(BackoffDelay(kOptions, 9, uniform(random)).count() / 100)];
  double chi_square = 0;
  for (const int count : buckets) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 33.7);
}

TEST(RetryDelayTest, RetryAfterIsAFloorAndAdviceIsBounded) {
  Error error;
  error.retry_after = milliseconds(3000);
  EXPECT_EQ(RetryDelay(kOptions, 0, 1.0, error).count(), 3000);
  error.retry_after = milliseconds(50);
  EXPECT_EQ(RetryDelay(kOptions, 0, 1.0, error).count(), 200);
  error.retry_after_is_advice = true;
  EXPECT_EQ(RetryDelay(kOptions, 0, 1.0, error).count(), 200);
  error.retry_after = milliseconds(60'000);
  EXPECT_EQ(RetryDelay(kOptions, 0, 1.0, error).count(), 5200);
}

TEST(UniformRandomTest, StaysInRange) {
  for (int i = 0; i < 1000; ++i) {
    const double value = UniformRandom();
    EXPECT_TRUE(value >= 0 && value < 1);
  }
}

// Runs attempts that all fail. `exemptions_` says which failures are exempt, in order.
class RunAttemptsTest : public testing::Test {
 protected:
  RetryHooks Hooks() {
    RetryHooks hooks;
    hooks.sleep = [this](milliseconds delay, const Error&) {
      sleeps_.push_back(delay.count());
      return !stopping_;
    };
    hooks.on_retry = [this](const RetryEvent& event) { failed_attempts_.push_back(event.attempt); };
    hooks.exemption = [this](const Error&) {
      if (exemptions_.empty()) return RetryExemption::kNone;
      const auto exemption = exemptions_.front();
      exemptions_.erase(exemptions_.begin());
      return exemption;
    };
    hooks.uniform = [] { return 1.0; };
    return hooks;
  }
  // Runs attempts that all fail with `kind`.
  RetryResult RunFailing(ErrorKind kind) {
    return RunAttempts(kOptions, Hooks(), [&](int number) -> Result<Response> {
      attempts_.push_back(number);
      return Fail(kind, "failed");
    });
  }

  bool stopping_ = false;
  std::vector<RetryExemption> exemptions_;
  std::vector<int> attempts_, failed_attempts_;
  std::vector<long> sleeps_;
};

TEST_F(RunAttemptsTest, StopsAfterMaxAttempts) {
  const auto result = RunFailing(ErrorKind::kTransient);
  EXPECT_FALSE(result.response);
  EXPECT_EQ(result.attempts, 5);
  EXPECT_THAT(attempts_, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(failed_attempts_, ElementsAre(1, 2, 3, 4)) << "there is no retry after the last one";
  EXPECT_THAT(sleeps_, ElementsAre(200, 400, 800, 1000));
}

TEST_F(RunAttemptsTest, APermanentErrorIsFinal) {
  EXPECT_EQ(RunFailing(ErrorKind::kPermanent).attempts, 1);
  EXPECT_THAT(sleeps_, ElementsAre());
}

TEST_F(RunAttemptsTest, AnOutageCostsNeitherAnAttemptNorADelay) {
  exemptions_ = {RetryExemption::kOutage, RetryExemption::kOutage};
  EXPECT_EQ(RunFailing(ErrorKind::kTransient).attempts, 5);
  EXPECT_THAT(attempts_, ElementsAre(1, 1, 1, 2, 3, 4, 5));
  EXPECT_EQ(sleeps_.size(), 4u);
}

TEST_F(RunAttemptsTest, AnUnknownRateCostsADelayAndNoAttempt) {
  exemptions_ = {RetryExemption::kUnknownRate};
  EXPECT_EQ(RunFailing(ErrorKind::kThrottled).attempts, 5);
  EXPECT_THAT(attempts_, ElementsAre(1, 1, 2, 3, 4, 5));
  EXPECT_THAT(failed_attempts_, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(sleeps_, ElementsAre(200, 400, 800, 1000, 1000)) << "the exempt failure lengthens the backoff";
}

TEST_F(RunAttemptsTest, ExemptionsForAnUnknownRateEnd) {
  exemptions_.assign(1000, RetryExemption::kUnknownRate);
  EXPECT_EQ(RunFailing(ErrorKind::kThrottled).attempts, 5);
  EXPECT_EQ(attempts_.size(), static_cast<std::size_t>(5 + kMaxExemptionsPerAttempt * 5));
}

TEST_F(RunAttemptsTest, OnlyErrorsThatMayConcernTheWholeStoreCanBeExempt) {
  exemptions_.assign(10, RetryExemption::kOutage);
  EXPECT_EQ(RunFailing(ErrorKind::kIntegrity).attempts, 5);
  EXPECT_EQ(exemptions_.size(), 10u);
}

TEST_F(RunAttemptsTest, AStopEndsTheLoopAsCancelled) {
  stopping_ = true;
  const auto result = RunFailing(ErrorKind::kTransient);
  EXPECT_EQ(result.response.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(result.response.error().message,
            "the run was stopped before the next attempt; the last attempt failed: failed");
  EXPECT_EQ(result.attempts, 1);
}

}  // namespace retry_test
}  // namespace s3
