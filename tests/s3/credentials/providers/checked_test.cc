// Every source of credentials passes the same check.
#include "s3/credentials/providers/checked.h"

#include <sys/stat.h>

#include "tests/support/provider_world.h"

namespace s3 {
namespace checked_test {

using namespace test;
using testing::HasSubstr;
using testing::IsEmpty;

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Replaced(std::string text, std::string_view what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

// A session token, and the same token escaped for JSON and for XML.
struct Token {
  std::string raw, json, xml;
};

struct Source {
  const char* name;  // the message contains it
  std::function<void(World*, const Token&)> provide;
};

const std::vector<Source>& Sources() {
  static const auto later = In(std::chrono::hours(1));
  static const std::vector<Source> sources{
      {"AWS_ACCESS_KEY_ID",
       [](World* world, const Token& token) {
         world->environment.insert(kEnvironmentKeys.begin(), kEnvironmentKeys.end());
         world->environment["AWS_SESSION_TOKEN"] = token.raw;
       }},
      {"AWS_ACCESS_KEY_ID",
       [](World* world, const Token& token) {
         world->environment.insert(kEnvironmentKeys.begin(), kEnvironmentKeys.end());
         world->environment["AWS_SECURITY_TOKEN"] = token.raw;
       }},
      {"the job file",
       [](World* world, const Token& token) {
         world->job = {"ID", Secret("secret"), Secret(token.raw), ""};
       }},
      {"profile [default]",
       [](World* world, const Token& token) {
         const auto path = world->home.Write(
             ".aws/p",
             "#!/bin/sh\ncat <<'END'\n{\"Version\": 1, \"AccessKeyId\": \"ID\", \"SecretAccessKey\": "
             "\"s\", \"SessionToken\": \"" +
                 token.json + "\"}\nEND\n");
         chmod(path.c_str(), 0700);
         world->Write("config", "[default]\ncredential_process = " + path + "\n");
       }},
      {"profile [r]",
       [](World* world, const Token& token) {
         world->environment["AWS_PROFILE"] = "r";
         world->Write("config", kRole);
         world->answers = {{"POST /", {200, Replaced(StsXml("AssumeRole", later), "ststoken", token.xml)}}};
       }},
      {"web identity",
       [](World* world, const Token& token) {
         world->environment["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
         world->environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = world->home.Write("token", "web\r\n");
         world->answers = {
             {"POST /", {200, Replaced(StsXml("AssumeRoleWithWebIdentity", later), "ststoken", token.xml)}}};
       }},
      {"IAM Identity Center",
       [](World* world, const Token& token) {
         world->Write("config",
                      "[default]\nsso_start_url = u\nsso_region = eu-west-1\nsso_account_id = "
                      "1\nsso_role_name = r\n");
         // The SHA-1 of "u".
         world->Write("sso/cache/51e69892ab49df85c6230ccc57f8e1d1606caccc.json",
                      R"({"accessToken": "t", "expiresAt": ")" + later + R"("})");
         world->answers = {
             {"GET /federation",
              {200, R"({"roleCredentials": {"accessKeyId": "ID", "secretAccessKey": "s", "sessionToken": ")" +
                        token.json + R"(", "expiration": 4000000000000}})"}}};
       }},
      {"the container's credentials",
       [](World* world, const Token& token) {
         world->environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds";
         world->answers = {{"GET /creds", {200, Replaced(KeysJson("ID", later), "jsontoken", token.json)}}};
       }},
      {"the metadata service",
       [](World* world, const Token& token) {
         world->answers = {{"GET " + World::kRoles + "the-role",
                            {200, Replaced(KeysJson("ID", later), "jsontoken", token.json)}}};
       }},
  };
  return sources;
}

TEST(CheckedCredentials, ALineEndAfterATokenIsIgnoredWithAWarning) {
  for (const auto& source : Sources()) {
    World world;
    source.provide(&world, {"token\r\n", R"(token\r\n)", "token&#13;&#10;"});
    const auto loaded = world.Load();
    ASSERT_TRUE(loaded) << source.name << ": " << loaded.error().message;
    EXPECT_EQ(loaded->credentials.session_token.Reveal(), "token") << source.name;
    // Other warnings are about the mode of files.
    std::erase_if(world.warnings, [](const auto& text) { return text.find("chmod") != std::string::npos; });
    ASSERT_EQ(world.warnings.size(), 1u) << source.name;
    EXPECT_THAT(world.warnings[0], HasSubstr(source.name));
    EXPECT_THAT(world.warnings[0], HasSubstr("the session token ends with a line end, which is ignored"));
  }
}

TEST(CheckedCredentials, AnyOtherControlCharacterIsAnErrorThatNamesTheSource) {
  for (const auto& source : Sources()) {
    World world;
    source.provide(&world, {"a\r\nX: b", R"(a\r\nX: b)", "a&#13;&#10;X: b"});
    const auto loaded = world.Load();
    ASSERT_FALSE(loaded) << source.name;
    EXPECT_EQ(loaded.error().kind, ErrorKind::kBadCredentials);
    EXPECT_THAT(loaded.error().message, HasSubstr(source.name));
    EXPECT_THAT(loaded.error().message, HasSubstr("the session token has a control character"));
    EXPECT_THAT(loaded.error().message, testing::Not(HasSubstr("X: b")));
  }
}

TEST(CheckedCredentials, EachPartIsChecked) {
  const auto checked = [](Credentials credentials) {
    std::vector<std::string> warnings;
    auto result = CheckedCredentials({std::move(credentials), "SOURCE"},
                                     [&](std::string_view text) { warnings.emplace_back(text); });
    return std::pair(result ? "fine" : result.error().message, warnings.size());
  };
  using testing::Pair;
  EXPECT_THAT(checked({"id", Secret("any \xc3\xa9 secret"), Secret()}), Pair("fine", 0u));
  EXPECT_THAT(checked({"id\r", Secret("s\n"), Secret("t\r\n\n")}), Pair("fine", 3u));
  EXPECT_THAT(checked({"i\nd", Secret("s"), Secret()}),
              Pair(HasSubstr("SOURCE: the access key ID has a control"), 0u));
  EXPECT_THAT(checked({"id", Secret("s\x01"), Secret()}),
              Pair(HasSubstr("the secret access key has a control"), 0u));
  EXPECT_THAT(checked({"id", Secret("s"), Secret("\x7f")}),
              Pair(HasSubstr("the session token has a control"), 0u));
  EXPECT_THAT(checked({"i d", Secret("s"), Secret()}), Pair(HasSubstr("an invalid character"), 0u));
  EXPECT_THAT(checked({"id", Secret("s"), Secret("\r\n")}), Pair(HasSubstr("only a line end"), 1u));
}

// These keys sign the request to STS, so they are checked before it.
TEST(CheckedCredentials, KeysOfASourceProfileAreChecked) {
  World world;
  world.environment["AWS_PROFILE"] = "r";
  world.Write("config", Replaced(kRole, "BASEID", "BASE\x01ID"));
  EXPECT_THAT(world.Outcome(), HasSubstr("profile [base]"));
  EXPECT_THAT(world.service.calls(), IsEmpty());
}

}  // namespace checked_test
}  // namespace s3
