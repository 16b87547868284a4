#include "s3/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/support.h"

namespace s3 {
namespace {

using testing::HasSubstr;

Environment Fake(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto it = values.find(name);
    return it == values.end() ? std::nullopt : std::optional(it->second);
  };
}

constexpr const char* kFile = R"(
# comment
[default]
aws_access_key_id = DEFAULTID
aws_secret_access_key=default+secret/=
[ work ]
 aws_access_key_id=WORKID
 aws_secret_access_key = worksecret
 aws_session_token = worktoken
[half]
aws_access_key_id = HALF
)";

class CredentialsTest : public testing::Test {
 protected:
  test::TempDir directory_;
  const std::string path_ = directory_.Write(".aws/credentials", kFile);
};

TEST_F(CredentialsTest, JobFileWins) {
  CredentialOptions options;
  options.access_key_id = "JOB";
  options.secret_access_key = Secret("jobsecret");
  const auto loaded =
      LoadCredentials(options, Fake({{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}}));
  EXPECT_EQ(loaded->access_key_id, "JOB");
}

TEST_F(CredentialsTest, JobFilesProfileBeatsTheEnvironment) {
  CredentialOptions options;
  options.profile = "work";
  const auto loaded = LoadCredentials(
      options,
      Fake({{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"HOME", directory_.path()}}));
  EXPECT_EQ(loaded->access_key_id, "WORKID");
  EXPECT_EQ(loaded->secret_access_key.Reveal(), "worksecret");
  EXPECT_EQ(loaded->session_token.Reveal(), "worktoken");
}

TEST_F(CredentialsTest, EnvironmentBeatsTheFile) {
  const auto loaded = LoadCredentials({}, Fake({{"AWS_ACCESS_KEY_ID", "ENV"},
                                                {"AWS_SECRET_ACCESS_KEY", "s"},
                                                {"AWS_SESSION_TOKEN", "t"},
                                                {"HOME", directory_.path()}}));
  EXPECT_EQ(loaded->access_key_id, "ENV");
  EXPECT_EQ(loaded->session_token.Reveal(), "t");
}

TEST_F(CredentialsTest, DefaultProfileAndNamedProfile) {
  const auto home = directory_.path();
  const auto first = LoadCredentials({}, Fake({{"HOME", home}}));
  EXPECT_EQ(first->access_key_id, "DEFAULTID");
  EXPECT_EQ(first->secret_access_key.Reveal(), "default+secret/=");
  EXPECT_EQ(LoadCredentials({}, Fake({{"HOME", home}, {"AWS_PROFILE", "work"}}))->access_key_id, "WORKID");
  EXPECT_EQ(LoadCredentials({}, Fake({{"AWS_SHARED_CREDENTIALS_FILE", path_}}))->access_key_id, "DEFAULTID");
}

TEST_F(CredentialsTest, IncompletePlacesAreErrorsThatNameWhatIsMissing) {
  const auto message = [](const CredentialOptions& options, std::map<std::string, std::string> environment) {
    const auto loaded = LoadCredentials(options, Fake(std::move(environment)));
    return loaded ? std::string("loaded") : loaded.error().message;
  };
  const auto home = directory_.path();
  EXPECT_THAT(message({}, {{"AWS_ACCESS_KEY_ID", "x"}, {"HOME", home}}),
              HasSubstr("AWS_SECRET_ACCESS_KEY is not"));
  EXPECT_THAT(message({}, {{"AWS_SECRET_ACCESS_KEY", "x"}, {"HOME", home}}),
              HasSubstr("AWS_ACCESS_KEY_ID is not"));
  EXPECT_THAT(message({}, {{"AWS_PROFILE", "half"}, {"HOME", home}}),
              HasSubstr("[half] has no aws_secret_access_key"));
  EXPECT_THAT(message({}, {{"AWS_PROFILE", "gone"}, {"HOME", home}}), HasSubstr("no profile [gone]"));
  EXPECT_THAT(message({}, {{"AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"}}), HasSubstr("cannot read"));
  EXPECT_THAT(message({}, {{"HOME", "/nonexistent"}}), HasSubstr("no credentials: none in the job file"));
}

TEST(ParseCredentialsFileTest, AnyBytesAreHarmless) {
  auto random = test::SeededRandom();
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (auto size = random() % 200; size > 0; --size) text += "[]=#\n\r d\0x"[random() % 10];
    (void)ParseCredentialsFile(text, "d");
  }
}

}  // namespace
}  // namespace s3
