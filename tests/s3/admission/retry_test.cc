#include "s3/admission/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/client/client.h"
#include "tests/support/support.h"

namespace s3 {
namespace {

using std::chrono::milliseconds;
using test::Answered;
using test::ErrorXml;
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

// The loop as the client runs it, over a transport that follows a script.
class ClientRetryTest : public testing::Test {
 protected:
  RetryResult Put(std::vector<HttpResponse> answers, std::stop_token stop = {}) {
    transport_ = std::make_unique<test::ScriptedTransport>(std::move(answers));
    const BucketAddress bucket{Endpoint{"http", "store", 80}, "/bucket/"};
    StoreContextCache facts({}, {bucket}, nullptr);
    auto credentials = test::Fixed({"id", Secret("secret"), Secret()});
    test::FreeAdmission free;
    Client client(&facts, &credentials, &free.admission, kOptions, {.checksum = ChecksumAlgorithm::kNone},
                  transport_.get(), &waiter_, std::move(stop));
    const ObjectProperties none;
    return client.PutObject({"k", &none}, MakePayload("body", client.integrity()), "",
                            [&](const RetryEvent& event) { retried_attempts_.push_back(event.attempt); });
  }
  BlockingWaiter waiter_;
  std::unique_ptr<test::ScriptedTransport> transport_;
  std::vector<int> retried_attempts_;
};

const HttpResponse kSuccess = Answered(200, {"ETag: \"e\""});

TEST_F(ClientRetryTest, TransientThenSuccess) {
  const auto settled = Put({Answered(500), Answered(503, {}, ErrorXml("SlowDown")), kSuccess});
  EXPECT_TRUE(settled.answer);
  EXPECT_EQ(settled.attempts, 3);
  EXPECT_THAT(retried_attempts_, ElementsAre(1, 2));
  EXPECT_EQ(transport_->sleeps.size(), 2u);
}

TEST_F(ClientRetryTest, PermanentIsNotRetried) {
  const auto settled = Put({Answered(403, {}, ErrorXml("SignatureDoesNotMatch"))});
  EXPECT_EQ(settled.answer.error().kind, ErrorKind::kBadCredentials);
  EXPECT_EQ(settled.attempts, 1);
}

TEST_F(ClientRetryTest, MaxAttemptsCountsTheFirst) {
  const auto settled = Put(std::vector<HttpResponse>(5, Answered(500)));
  EXPECT_EQ(settled.answer.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(settled.attempts, 5);
  EXPECT_EQ(transport_->sleeps.size(), 4u);
}

TEST_F(ClientRetryTest, EveryAttemptIsSignedAnewAndWhole) {
  Put({Answered(500), kSuccess});
  ASSERT_EQ(transport_->requests.size(), 2u);
  for (const auto& request : transport_->requests) {
    EXPECT_EQ(request.body, "body");
    EXPECT_EQ(std::count_if(request.headers.begin(), request.headers.end(),
                            [](const Header& h) { return h.name == "authorization"; }),
              1);
  }
}

TEST_F(ClientRetryTest, AStopEndsTheLoopAsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  const auto settled = Put({Answered(500), kSuccess}, stop.get_token());
  EXPECT_EQ(settled.answer.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(settled.attempts, 1);
}

}  // namespace
}  // namespace s3
