#include "s3/credentials/providers/sts.h"

#include "tests/support/provider_world.h"

namespace s3 {
namespace sts_test {

using namespace test;
using testing::HasSubstr;
using testing::Not;

TEST(Sts, ResponsesWithoutCredentialsAreErrors) {
  const Variables r{{"AWS_PROFILE", "r"}};
  Check({
      {"STS refuses",
       r,
       kRole,
       "",
       "error: AssumeRole of arn:aws:iam::1:role/r at http://127.0.0.1",
       {{"POST /",
         {403,
          "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not for you</Message></Error>"
          "</ErrorResponse>"}}}},
      {"STS says why",
       r,
       kRole,
       "",
       "error: AccessDenied: not for you",
       {{"POST /",
         {403,
          "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not for you</Message></Error>"
          "</ErrorResponse>"}}}},
      {"STS talks nonsense",
       r,
       kRole,
       "",
       "error: the response has no AccessKeyId",
       {{"POST /", {200, "<a/>"}}}},
      {"STS forgets the end",
       r,
       kRole,
       "",
       "error: the response has no Expiration",
       {{"POST /", {200, StsXml("AssumeRole", "")}}}},
      {"STS is no STS", r, kRole, "", "error: the response is not XML", {{"POST /", {200, "{}"}}}},
      {"a header smuggled into the key",
       r,
       kRole,
       "",
       "error: the access key ID has a control character",
       {{"POST /",
         {200,
          "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a&#13;&#10;b</AccessKeyId>"
          "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
          "<Expiration>2031-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>"
          "</AssumeRoleResponse>"}}}},
  });
}

TEST(Sts, TheRequestHasTheSettingsOfTheProfile) {
  World world;
  world.environment["AWS_PROFILE"] = "r";
  world.environment["AWS_REGION"] = "eu-west-2";
  world.Write(
      "config",
      std::string("[profile r]\nexternal_id = x&y z\nrole_session_name = me\nduration_seconds = 900\n") +
          (kRole + 12));
  const auto loaded = world.Load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->renewable);
  EXPECT_EQ(loaded->credentials.session_token.Reveal(), "ststoken");
  ASSERT_TRUE(loaded->credentials.expires);
  const auto calls = world.service.calls();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(
      calls[0].body,
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me&"
      "DurationSeconds=900&ExternalId=x%26y%20z");
  EXPECT_THAT(calls[0].Header("authorization"), HasSubstr("Credential=BASEID/"));
  EXPECT_THAT(calls[0].Header("authorization"), HasSubstr("/eu-west-2/sts/aws4_request"));
}

TEST(Sts, ARequestRefusedForItsTimeIsSentOnceMoreWithTheTimeOfSts) {
  World world;
  world.environment["AWS_PROFILE"] = "r";
  world.Write("config", kRole);
  const auto theirs =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + std::chrono::hours(5));
  world.answers = {{"POST /",
                    {403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>",
                     fmt::format("Date: {:%a, %d %b %Y %H:%M:%S GMT}\r\n", fmt::gmtime(theirs))}}};
  EXPECT_THAT(world.Outcome(), HasSubstr("SignatureDoesNotMatch"));
  const auto calls = world.service.calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[1].Header("x-amz-date").substr(0, 11), fmt::format("{:%Y%m%dT%H}", fmt::gmtime(theirs)));
}

// The clock of STS is 5 hours ahead, so the expiry is 5 hours earlier by ours.
TEST(Sts, TheExpiryIsConvertedToOurClock) {
  World world;
  world.environment["AWS_PROFILE"] = "r";
  world.Write("config", kRole);
  const auto now = std::chrono::system_clock::now();
  const auto theirs = std::chrono::system_clock::to_time_t(now + std::chrono::hours(5));
  world.answers = {{"POST /",
                    {200, StsXml("AssumeRole", In(std::chrono::hours(6))),
                     fmt::format("Date: {:%a, %d %b %Y %H:%M:%S GMT}\r\n", fmt::gmtime(theirs))}}};
  const auto loaded = world.Load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_LT(std::chrono::abs(*loaded->credentials.expires - now - std::chrono::hours(1)),
            std::chrono::minutes(1));
}

TEST(Sts, ABusyServiceIsAskedThreeTimes) {
  World world;
  world.environment["AWS_PROFILE"] = "r";
  world.Write("config", kRole);
  world.answers = {{"POST /", {503, ""}}};
  EXPECT_THAT(world.Outcome(), HasSubstr("returned HTTP 503"));
  EXPECT_EQ(world.service.calls().size(), 3u);
}

TEST(Sts, WebIdentitySendsTheCurrentTokenAndNoSignature) {
  World world;
  const auto path = world.home.Write("token", "first-token-0001");
  world.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = path;
  world.environment["AWS_ROLE_ARN"] = "arn:web";
  world.environment["AWS_ROLE_SESSION_NAME"] = "job-7";
  ASSERT_EQ(world.Outcome(), "STSID");
  world.home.Write("token", "second-token-0002\n");
  ASSERT_EQ(world.Outcome(), "STSID");
  const auto calls = world.service.calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_THAT(calls[0].body, HasSubstr("RoleSessionName=job-7&WebIdentityToken=first-token-0001"));
  EXPECT_TRUE(calls[1].body.ends_with("WebIdentityToken=second-token-0002")) << calls[1].body;
  EXPECT_EQ(calls[0].Header("authorization"), "");
  world.answers = {{"POST /",
                    {400,
                     "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>"
                     "'second-token-0002' is bad</Message></Error></ErrorResponse>"}}};
  EXPECT_THAT(world.Outcome(), Not(HasSubstr("second-token")));
}

}  // namespace sts_test
}  // namespace s3
