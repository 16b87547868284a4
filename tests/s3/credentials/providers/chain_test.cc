// The order of the chain: which source is used, and which errors end it.
#include "s3/credentials/providers/chain.h"

#include "tests/support/provider_world.h"

namespace s3 {
namespace chain_test {

using namespace test;
using testing::HasSubstr;

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Chain, TheEnvironmentComesBeforeFiles) {
  Check({
      {"nothing at all", {}, "", "", "error: no credentials: none in the job file"},
      {"environment", kEnvironmentKeys, "", "", "ENVID"},
      {"environment before files", kEnvironmentKeys, "", kKeys, "ENVID"},
      {"environment before AWS_PROFILE", With(kEnvironmentKeys, {{"AWS_PROFILE", "r"}}), kRole, "", "ENVID"},
      {"no secret", {{"AWS_ACCESS_KEY_ID", "x"}}, "", kKeys, "error: AWS_SECRET_ACCESS_KEY is not"},
      {"no ID", {{"AWS_SECRET_ACCESS_KEY", "x"}}, "", kKeys, "error: AWS_ACCESS_KEY_ID is not"},
      {"no time", With(kEnvironmentKeys, {{"AWS_CREDENTIAL_EXPIRATION", "soon"}}), "", "",
       "error: AWS_CREDENTIAL_EXPIRATION is not a time"},
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

TEST(Chain, TheJobFileComesFirst) {
  World world;
  world.environment["AWS_ACCESS_KEY_ID"] = "ENVID";
  world.environment["AWS_SECRET_ACCESS_KEY"] = "s";
  world.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nonexistent";
  world.Write("config", std::string(kRole) + "[profile empty]\nregion = eu-west-1\n");
  world.job.profile = "base";
  EXPECT_EQ(world.Outcome(), "BASEID") << "the profile of the job file comes before the environment";
  world.job.profile = "gone";
  EXPECT_THAT(world.Outcome(), HasSubstr("there is no profile [gone]"));
  world.job.profile = "empty";
  EXPECT_EQ(world.Outcome(), "error: profile [empty] has no credentials") << "no other source is tried";
  world.job = {.access_key_id = "JOB", .secret_access_key = Secret("s"), .session_token = Secret("t")};
  const auto loaded = world.Load();
  EXPECT_EQ(loaded->credentials.session_token.Reveal(), "t");
  EXPECT_FALSE(loaded->renewable);
  world.job.secret_access_key = Secret();
  EXPECT_THAT(world.Outcome(), HasSubstr("credentials.secret_access_key is not"));
}

TEST(Chain, TokenAndExpiryAreReadToo) {
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
  EXPECT_TRUE(from_file->renewable) << "a file may be rewritten";
  EXPECT_THAT(from_file->source, HasSubstr("profile [default] of "));
}

TEST(Chain, ARoleIsAssumedWithTheKeysOfItsSource) {
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
      {"credential_source: container", With(r, {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds"}}),
       role("credential_source=EcsContainer\n"), "", "STSID"},
      {"credential_source: instance", With(r, {{"AWS_EC2_METADATA_DISABLED", "false"}}),
       role("credential_source=Ec2InstanceMetadata\n"), "", "STSID"},
  });
}

TEST(Chain, ARoleThatIsNotConfiguredCompletelyIsAnError) {
  const Variables r{{"AWS_PROFILE", "r"}};
  const auto role = [](std::string settings) { return "[profile r]\nrole_arn = arn:r\n" + settings; };
  Check({
      {"itself without keys", r, role("source_profile=r\n"), "", "error: form a loop: [r]"},
      {"a loop",
       {{"AWS_PROFILE", "a"}},
       "[profile a]\nrole_arn=x\nsource_profile=b\n[profile b]\nrole_arn=y\nsource_profile=a\n",
       "",
       "error: form a loop: [a]"},
      {"no such source", r, role("source_profile=gone\n"), "", "error: there is no source_profile [gone]"},
      {"an empty source", r, role("source_profile=e\n[profile e]\nregion=x\n"), "",
       "error: source_profile [e] has no credentials"},
      {"half a source", r, role("source_profile=e\n[profile e]\naws_access_key_id=x\n"), "",
       "error: profile [e] has no aws_secret_access_key"},
      {"neither source", r, role(""), "", "error: role_arn needs either"},
      {"both sources", r, role("source_profile=a\ncredential_source=Environment\n"), "",
       "error: role_arn needs either"},
      {"MFA", r, role("source_profile=base\nmfa_serial=arn:mfa\n") + kRole, "",
       "error: the code of an mfa_serial"},
      {"no duration", r,
       role("source_profile=base\nduration_seconds=1h\n[profile base]\naws_access_key_id=x\n"
            "aws_secret_access_key=s\n"),
       "", "error: duration_seconds is not a number"},
      {"credential_source: an unknown place", r, role("credential_source=Moon\n"), "",
       "error: credential_source must be Environment"},
      {"credential_source: no container", r, role("credential_source=EcsContainer\n"), "",
       "error: no credentials in credential_source EcsContainer"},
  });
}

TEST(Chain, WebIdentityComesAfterARoleAndBeforeKeys) {
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

TEST(Chain, AStopEndsTheWait) {
  test::RawServer silent([](int fd) {
    test::ReadRequest(fd);
    char c;
    while (read(fd, &c, 1) > 0) {
    }
  });
  std::stop_source stop;
  ProviderContext context;
  context.environment = [&](const std::string& name) -> std::optional<std::string> {
    if (name == "AWS_CONTAINER_CREDENTIALS_FULL_URI")
      return "http://" + silent.endpoint().HostAndPort() + "/";
    return std::nullopt;
  };
  context.stop = stop.get_token();
  std::jthread stopper([&] {
    while (silent.connections == 0) std::this_thread::yield();
    stop.request_stop();
  });
  const auto loaded = LoadCredentials({}, context);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("stopped"));
}

TEST(Chain, OldNamesOfVariablesAndSettingsAreRead) {
  Check({{"AWS_DEFAULT_PROFILE", {{"AWS_DEFAULT_PROFILE", "base"}}, kRole, "", "BASEID"},
         {"AWS_PROFILE before it",
          {{"AWS_DEFAULT_PROFILE", "gone"}, {"AWS_PROFILE", "base"}},
          kRole,
          "",
          "BASEID"}});
  World world;
  world.Write("credentials", std::string(kKeys) + "aws_security_token = old\n");
  EXPECT_EQ(world.Load()->credentials.session_token.Reveal(), "old");
}

}  // namespace chain_test
}  // namespace s3
