// The chain of credential providers: who wins, and what is asked of STS.
#include "s3/credentials/providers/chain.h"

#include <sys/stat.h>

#include "tests/support/provider_world.h"

namespace s3 {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(ProviderChainTest, EnvironmentAndFiles) {
  Check({
      {"nothing at all", {}, "", "", "error: no credentials: none in the job file"},
      {"environment", kEnvironmentKeys, "", "", "ENVID"},
      {"environment before files", kEnvironmentKeys, "", kKeys, "ENVID"},
      {"environment before AWS_PROFILE", With(kEnvironmentKeys, {{"AWS_PROFILE", "r"}}), kRole, "", "ENVID"},
      {"no secret", {{"AWS_ACCESS_KEY_ID", "x"}}, "", kKeys, "error: AWS_SECRET_ACCESS_KEY is not"},
      {"no ID", {{"AWS_SECRET_ACCESS_KEY", "x"}}, "", kKeys, "error: AWS_ACCESS_KEY_ID is not"},
      {"no time", With(kEnvironmentKeys, {{"AWS_CREDENTIAL_EXPIRATION", "soon"}}), "", "",
       "error: AWS_CREDENTIAL_EXPIRATION is no time"},
      {"default of the credentials file", {}, "", kKeys, "FILEID"},
      {"default of the config file", {}, kKeys, "", "FILEID"},
      {"[profile default] before [default]",
       {},
       "[default]\naws_access_key_id=A\naws_secret_access_key=s\n[profile default]\naws_access_key_id=B\n"
       "aws_secret_access_key=s\n",
       "",
       "B"},
      {"credentials file before config file",
       {},
       "[default]\naws_access_key_id = OTHER\naws_secret_access_key = s\n",
       kKeys,
       "FILEID"},
      {"named profile", {{"AWS_PROFILE", "base"}}, kRole, kKeys, "BASEID"},
      {"named profile of the credentials file",
       {{"AWS_PROFILE", "w"}},
       "",
       "[w]\n aws_access_key_id=W\n aws_secret_access_key = s\n",
       "W"},
      {"a name in quotes",
       {{"AWS_PROFILE", "two words"}},
       "[profile \"two words\"]\naws_access_key_id=W\naws_secret_access_key = s\n",
       "",
       "W"},
      {"missing named profile", {{"AWS_PROFILE", "gone"}}, kRole, kKeys, "error: there is no profile [gone]"},
      {"half a profile",
       {},
       "",
       "[default]\naws_access_key_id = HALF\n",
       "error: profile [default] has no aws_secret_access_key"},
      {"nested settings are not the profile's",
       {},
       "[default]\ns3 =\n  aws_access_key_id = NESTED\n  aws_secret_access_key = s\nregion = x\n",
       "",
       "error: no credentials"},
      {"a file that is named and not there",
       {{"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"}},
       "",
       "",
       "error: cannot read /nonexistent"},
      {"a config file that is named and not there",
       {{"AWS_CONFIG_FILE", "/nonexistent"}},
       "",
       kKeys,
       "error: cannot read /nonexistent"},
  });
}

TEST(ProviderChainTest, JobFile) {
  World world;
  world.environment["AWS_ACCESS_KEY_ID"] = "ENVID";
  world.environment["AWS_SECRET_ACCESS_KEY"] = "s";
  world.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nonexistent";
  world.Write("config", std::string(kRole) + "[profile empty]\nregion = eu-west-1\n");
  world.job.profile = "base";
  EXPECT_EQ(world.Outcome(), "BASEID") << "a profile of the job beats the environment";
  world.job.profile = "gone";
  EXPECT_THAT(world.Outcome(), HasSubstr("there is no profile [gone]"));
  world.job.profile = "empty";
  EXPECT_EQ(world.Outcome(), "error: profile [empty] has no credentials") << "and nothing else is tried";
  world.job = {.access_key_id = "JOB", .secret_access_key = Secret("s"), .session_token = Secret("t")};
  const auto loaded = world.Load();
  EXPECT_EQ(loaded->credentials.session_token.Reveal(), "t");
  EXPECT_FALSE(loaded->renewable);
  world.job.secret_access_key = Secret();
  EXPECT_THAT(world.Outcome(), HasSubstr("credentials.secret_access_key is not"));
}

TEST(ProviderChainTest, AllPartsComeAcross) {
  World world;
  world.environment = With(world.environment,
                           With(kEnvironmentKeys, {{"AWS_SESSION_TOKEN", "envtoken"},
                                                   {"AWS_CREDENTIAL_EXPIRATION", "2031-02-03T04:05:06Z"}}));
  const auto from_environment = world.Load();
  EXPECT_EQ(from_environment->credentials.session_token.Reveal(), "envtoken");
  EXPECT_EQ(
      fmt::format("{:%F %T}",
                  fmt::gmtime(std::chrono::system_clock::to_time_t(*from_environment->credentials.expires))),
      "2031-02-03 04:05:06");
  EXPECT_FALSE(from_environment->renewable);
  World files;
  files.Write("credentials", std::string(kKeys) + "aws_session_token = filetoken\n");
  const auto from_file = files.Load();
  EXPECT_EQ(from_file->credentials.secret_access_key.Reveal(), "filesecret");
  EXPECT_EQ(from_file->credentials.session_token.Reveal(), "filetoken");
  EXPECT_TRUE(from_file->renewable) << "a file may be written anew";
  EXPECT_THAT(from_file->source, HasSubstr("profile [default] of "));
}

TEST(ProviderChainTest, FilesThatOthersMayReadAreWarnedOf) {
  World world;
  const auto path = world.home.Write(".aws/credentials", kKeys);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(world.Outcome(), "FILEID");
  ASSERT_EQ(world.warnings.size(), 1u);
  EXPECT_THAT(world.warnings[0], HasSubstr("mode 0644"));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(world.Outcome(), "FILEID");
  EXPECT_EQ(world.warnings.size(), 1u);
}

TEST(ProviderChainTest, Roles) {
  const Variables r{{"AWS_PROFILE", "r"}};
  const auto role = [](std::string settings) { return "[profile r]\nrole_arn = arn:r\n" + settings; };
  Check({
      {"source_profile", r, kRole, "", "STSID"},
      {"a role of a role",
       {{"AWS_PROFILE", "top"}},
       std::string(kRole) + "[profile top]\nrole_arn=arn:top\nsource_profile=r\n",
       "",
       "STSID"},
      {"the role before keys of the same profile",
       {{"AWS_PROFILE", "self"}},
       "[profile "
       "self]\nrole_arn=arn:self\nsource_profile=self\naws_access_key_id=SELF\naws_secret_access_key=s\n",
       "",
       "STSID"},
      {"itself without keys", r, role("source_profile=r\n"), "", "error: comes round to [r] again"},
      {"a loop",
       {{"AWS_PROFILE", "a"}},
       "[profile a]\nrole_arn=x\nsource_profile=b\n[profile b]\nrole_arn=y\nsource_profile=a\n",
       "",
       "error: comes round to [a] again"},
      {"no such source", r, role("source_profile=gone\n"), "", "error: there is no source_profile [gone]"},
      {"an empty source", r, role("source_profile=e\n[profile e]\nregion=x\n"), "",
       "error: source_profile [e] has no credentials"},
      {"half a source", r, role("source_profile=e\n[profile e]\naws_access_key_id=x\n"), "",
       "error: profile [e] has no aws_secret_access_key"},
      {"neither source", r, role(""), "", "error: role_arn needs either"},
      {"both sources", r, role("source_profile=a\ncredential_source=Environment\n"), "",
       "error: role_arn needs either"},
      {"MFA", r, role("source_profile=base\nmfa_serial=arn:mfa\n") + kRole, "",
       "error: mfa_serial asks for a code"},
      {"no duration", r,
       role("source_profile=base\nduration_seconds=1h\n[profile base]\naws_access_key_id=x\n"
            "aws_secret_access_key=s\n"),
       "", "error: duration_seconds is no number"},
      {"credential_source: an unknown place", r, role("credential_source=Moon\n"), "",
       "error: is none of Environment"},
      {"credential_source: no container", r, role("credential_source=EcsContainer\n"), "",
       "error: no credentials in credential_source EcsContainer"},
      {"credential_source: container", With(r, {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds"}}),
       role("credential_source=EcsContainer\n"), "", "STSID"},
      {"credential_source: instance", With(r, {{"AWS_EC2_METADATA_DISABLED", "false"}}),
       role("credential_source=Ec2InstanceMetadata\n"), "", "STSID"},
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
       "error: the answer has no AccessKeyId",
       {{"POST /", {200, "<a/>"}}}},
      {"STS forgets the end",
       r,
       kRole,
       "",
       "error: the answer has no Expiration",
       {{"POST /", {200, StsXml("AssumeRole", "")}}}},
      {"STS is no STS", r, kRole, "", "error: the answer is no XML", {{"POST /", {200, "{}"}}}},
      {"a header smuggled into the key",
       r,
       kRole,
       "",
       "error: the access key ID has a control character in it",
       {{"POST /",
         {200,
          "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a&#13;&#10;b</AccessKeyId>"
          "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
          "<Expiration>2031-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>"
          "</AssumeRoleResponse>"}}}},
  });
}

TEST(ProviderChainTest, RolesAreAskedForAsTheProfileSays) {
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

TEST(ProviderChainTest, StsWithAnotherClockIsAskedOnceMoreWithItsTime) {
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

// An expiry by a clock that is 5 hours ahead is 5 hours nearer than it says.
TEST(ProviderChainTest, ExpiriesAreReadByTheClockThatWroteThem) {
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

TEST(ProviderChainTest, BusyStsIsAskedAgainWithinLimits) {
  World world;
  world.environment["AWS_PROFILE"] = "r";
  world.Write("config", kRole);
  world.answers = {{"POST /", {503, ""}}};
  EXPECT_THAT(world.Outcome(), HasSubstr("answered HTTP 503"));
  EXPECT_EQ(world.service.calls().size(), 3u);
}

TEST(ProviderChainTest, WebIdentity) {
  test::TempDir directory;
  const auto token = directory.Write("token", "the.web.token\n");
  const auto empty = directory.Write("empty", "\n");
  const auto both = [&](const std::string& path) {
    return Variables{{"AWS_WEB_IDENTITY_TOKEN_FILE", path}, {"AWS_ROLE_ARN", "arn:web"}};
  };
  Check({
      {"environment", both(token), "", "", "STSID"},
      {"before keys of files", both(token), "", kKeys, "STSID"},
      {"after a role of the profile", With(both("/nonexistent"), {{"AWS_PROFILE", "r"}}), kRole, "", "STSID"},
      {"no role", {{"AWS_WEB_IDENTITY_TOKEN_FILE", token}}, "", "", "error: needs AWS_ROLE_ARN"},
      {"no file", both("/nonexistent"), "", "", "error: cannot read /nonexistent"},
      {"no token", both(empty), "", "", "error: has no token"},
      {"profile",
       {{"AWS_PROFILE", "w"}},
       "[profile w]\nrole_arn=arn:w\nweb_identity_token_file=" + token + "\n",
       "",
       "STSID"},
      {"as a source",
       {{"AWS_PROFILE", "r"}},
       "[profile r]\nrole_arn=arn:r\nsource_profile=w\n[profile "
       "w]\nrole_arn=arn:w\nweb_identity_token_file=" +
           token + "\n",
       "",
       "STSID"},
      {"refused",
       both(token),
       "",
       "",
       "error: InvalidIdentityToken",
       {{"POST /",
         {400,
          "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>the.web.token is bad"
          "</Message></Error></ErrorResponse>"}}}},
  });
}

TEST(ProviderChainTest, WebIdentitySendsTheTokenOfTheMomentAndNoSignature) {
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

}  // namespace
}  // namespace s3
