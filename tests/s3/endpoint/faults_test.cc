#include "s3/endpoint/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/endpoint_fixture.h"

namespace s3 {
namespace faults_test {

using endpoint::FaultAction;
using endpoint::FaultRule;
using test::EndpointFixture;
using test::WithBucket;

struct FaultCase {
  const char* name;
  FaultRule rule;
  bool stored_by_the_faulty_attempt;
};

class FaultTest : public testing::TestWithParam<FaultCase> {};

// The first attempt fails, then the first two, then three: the upload succeeds while attempts are left, and
// every requested fault was injected.
TEST_P(FaultTest, IsRetriedUntilItEnds) {
  for (int failures = 1; failures <= 3; ++failures) {
    auto rule = GetParam().rule;
    rule.last_attempt = failures;
    EndpointFixture fixture(WithBucket({rule}));
    const std::string body(100'000, 'b');
    const auto result = fixture.Put("k", body);
    ASSERT_TRUE(result.response) << result.response.error().message;
    EXPECT_EQ(fixture.server.stats().faults_injected, static_cast<std::uint64_t>(failures));
    EXPECT_EQ(fixture.Stored("k").size(), body.size());
  }
}

TEST_P(FaultTest, WithoutEndIsAFailure) {
  auto rule = GetParam().rule;
  rule.last_attempt = 1000;
  EndpointFixture fixture(WithBucket({rule}));
  const auto result = fixture.Put("k", "body");
  ASSERT_FALSE(result.response);
  EXPECT_TRUE(IsRetryable(result.response.error().kind));
  EXPECT_EQ(result.attempts, fixture.options.retry.max_attempts);
  EXPECT_EQ(fixture.Stored("k") != "(absent)", GetParam().stored_by_the_faulty_attempt);
}

FaultRule Rule(FaultAction action) {
  FaultRule rule;
  rule.action = action;
  return rule;
}

FaultRule StatusRule(int status, std::string code) {
  auto rule = Rule(FaultAction::kStatus);
  rule.status = status;
  rule.code = std::move(code);
  return rule;
}

FaultRule ResetInBody(std::uint64_t after_bytes) {
  auto rule = Rule(FaultAction::kResetInBody);
  rule.after_bytes = after_bytes;
  return rule;
}

INSTANTIATE_TEST_SUITE_P(All, FaultTest,
                         testing::Values(FaultCase{"InternalError", StatusRule(500, "InternalError"), false},
                                         FaultCase{"BadGateway", StatusRule(502, "BadGateway"), false},
                                         FaultCase{"SlowDown", StatusRule(503, "SlowDown"), false},
                                         FaultCase{"RequestTimeout", StatusRule(400, "RequestTimeout"),
                                                   false},
                                         FaultCase{"BadDigest", StatusRule(400, "BadDigest"), false},
                                         FaultCase{"ResetBeforeBody", Rule(FaultAction::kResetBefore), false},
                                         FaultCase{"ResetAtOnce", ResetInBody(0), false},
                                         FaultCase{"ResetInBody", ResetInBody(50'000), false},
                                         FaultCase{"NoResponse", Rule(FaultAction::kNoResponse), false},
                                         FaultCase{"LostResponse", Rule(FaultAction::kLostResponse), true}),
                         [](const auto& test_case) { return test_case.param.name; });

TEST(Faults, ADelayDoesNotFailTheRequest) {
  auto rule = Rule(FaultAction::kDelay);
  rule.delay = std::chrono::milliseconds(20);
  EndpointFixture fixture(WithBucket({rule}));
  const auto result = fixture.Put("k", "x");
  EXPECT_TRUE(result.response);
  EXPECT_EQ(result.attempts, 1);
  EXPECT_EQ(fixture.server.stats().faults_injected, 1u);
}

TEST(Faults, AWrongETagIsNoticedAndTheObjectSentAgain) {
  EndpointFixture fixture(WithBucket({Rule(FaultAction::kWrongEtag)}));
  const auto result = fixture.Put("k", "x");
  EXPECT_EQ(result.response->etag, "\"" + HexEncode(AsBytes(Md5("x"))) + "\"");
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(fixture.server.stats().faults_injected, 1u);
}

TEST(Faults, ARuleAppliesToItsOperationAndKey) {
  auto rule = StatusRule(403, "AccessDenied");
  rule.operation = "PutObject";
  rule.key = "in/**";
  EndpointFixture fixture(WithBucket({rule}));
  EXPECT_TRUE(fixture.Put("out/k", "x").response);
  EXPECT_EQ(fixture.Put("in/k", "x").response.error().kind, ErrorKind::kAccessDenied);
  EXPECT_TRUE(fixture.Put("in/k", "x").response) << "attempts are counted for each key";
}

TEST(FaultPlan, AttemptsAreCountedForEachOperationAndKey) {
  auto rule = Rule(FaultAction::kStatus);
  rule.first_attempt = 2;
  rule.last_attempt = 3;
  endpoint::FaultPlan plan({rule});
  EXPECT_FALSE(plan.Next("PutObject", "a"));
  EXPECT_TRUE(plan.Next("PutObject", "a"));
  EXPECT_FALSE(plan.Next("PutObject", "b"));
  EXPECT_FALSE(plan.Next("HeadObject", "a"));
  EXPECT_TRUE(plan.Next("PutObject", "a"));
  EXPECT_FALSE(plan.Next("PutObject", "a"));
}

TEST(FaultPlan, EveryChoosesEachNthMatch) {
  auto rule = Rule(FaultAction::kStatus);
  rule.every = 3;
  endpoint::FaultPlan plan({rule});
  int faults = 0;
  for (int i = 0; i < 9; ++i) faults += plan.Next("PutObject", std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(faults, 3);
}

TEST(ApplyToReply, AFalsifiedETagStillLooksLikeOne) {
  endpoint::Reply reply;
  reply.headers = {{"etag", "\"0abc\""}};
  reply.body = "<ETag>&quot;7abc&quot;</ETag>";
  endpoint::ApplyToReply(Rule(FaultAction::kWrongEtag), &reply);
  EXPECT_EQ(reply.headers[0].value, "\"1abc\"");
  EXPECT_EQ(reply.body, "<ETag>&quot;0abc&quot;</ETag>");
}

TEST(ApplyToReply, StatusAndRetryAfterAreThoseOfTheRule) {
  auto rule = StatusRule(503, "SlowDown");
  rule.retry_after_s = 7;
  endpoint::Reply reply;
  endpoint::ApplyToReply(rule, &reply);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.headers.back().name, "retry-after");
  EXPECT_EQ(reply.headers.back().value, "7");
}

TEST(IsExecuted, OnlyFaultsThatReplaceTheReplyPreventIt) {
  EXPECT_TRUE(endpoint::IsExecuted(std::nullopt));
  EXPECT_TRUE(endpoint::IsExecuted(Rule(FaultAction::kLostResponse)));
  EXPECT_FALSE(endpoint::IsExecuted(Rule(FaultAction::kNoResponse)));
  auto rule = Rule(FaultAction::kStatus);
  EXPECT_FALSE(endpoint::IsExecuted(rule));
  rule.applied = true;
  EXPECT_TRUE(endpoint::IsExecuted(rule));
}

}  // namespace faults_test
}  // namespace s3
