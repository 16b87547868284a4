// What every source of credentials has in common: the check of what it gives, and how its services are found.
#include <sys/stat.h>

#include "s3/credentials/providers/checked.h"
#include "tests/support/provider_world.h"

namespace s3 {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Replaced(std::string text, std::string_view what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

// One source that gives a token: `raw` is it, `json` and `xml` are the same as those write it.
struct Token {
  std::string raw, json, xml;
};

struct Source {
  const char* name;  // that a message has
  std::function<void(World*, const Token&)> give;
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

TEST(ProviderChecksTest, ALineEndBehindATokenIsTakenOffWithAWarning) {
  for (const auto& source : Sources()) {
    World world;
    source.give(&world, {"token\r\n", R"(token\r\n)", "token&#13;&#10;"});
    const auto loaded = world.Load();
    ASSERT_TRUE(loaded) << source.name << ": " << loaded.error().message;
    EXPECT_EQ(loaded->credentials.session_token.Reveal(), "token") << source.name;
    // Others are about the mode of files.
    std::erase_if(world.warnings, [](const auto& text) { return text.find("chmod") != std::string::npos; });
    ASSERT_EQ(world.warnings.size(), 1u) << source.name;
    EXPECT_THAT(world.warnings[0], HasSubstr(source.name));
    EXPECT_THAT(world.warnings[0], HasSubstr("the session token ends with a line end, which is taken off"));
  }
}

TEST(ProviderChecksTest, AnyOtherControlCharacterIsRefusedWithTheNameOfItsSource) {
  for (const auto& source : Sources()) {
    World world;
    source.give(&world, {"a\r\nX: b", R"(a\r\nX: b)", "a&#13;&#10;X: b"});
    const auto loaded = world.Load();
    ASSERT_FALSE(loaded) << source.name;
    EXPECT_EQ(loaded.error().kind, ErrorKind::kBadCredentials);
    EXPECT_THAT(loaded.error().message, HasSubstr(source.name));
    EXPECT_THAT(loaded.error().message, HasSubstr("the session token has a control character in it"));
    EXPECT_THAT(loaded.error().message, testing::Not(HasSubstr("X: b")));
  }
}

TEST(ProviderChecksTest, EachPartIsChecked) {
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
  EXPECT_THAT(checked({"i d", Secret("s"), Secret()}), Pair(HasSubstr("a character that none can have"), 0u));
  EXPECT_THAT(checked({"id", Secret("s"), Secret("\r\n")}), Pair(HasSubstr("nothing but a line end"), 1u));
}

TEST(ProviderChecksTest, TheTokenForAContainersAgentToo) {
  for (const auto& [token, sent] : {std::pair("secret/a\r\n", "secret/a"), {"a\r\nX: b", ""}}) {
    World world;
    world.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds";
    world.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token;
    const bool loaded = world.Load().has_value();
    EXPECT_EQ(loaded, *sent != 0);
    EXPECT_EQ(world.service.calls().size(), loaded ? 1u : 0u);
    for (const auto& call : world.service.calls()) EXPECT_EQ(call.Header("authorization"), sent);
    EXPECT_EQ(world.warnings.size(), loaded ? 1u : 0u);
  }
}

// The keys that sign the request for a role are used before those that come of it.
TEST(ProviderChecksTest, KeysOfASourceProfileAreChecked) {
  World world;
  world.environment["AWS_PROFILE"] = "r";
  world.Write("config", Replaced(kRole, "BASEID", "BASE\x01ID"));
  EXPECT_THAT(world.Outcome(), HasSubstr("profile [base]"));
  EXPECT_THAT(world.service.calls(), IsEmpty());
}

TEST(ProviderChecksTest, ServicesAreFoundAsS3Is) {
  World double_of_sts;
  const auto url = double_of_sts.service.url();
  const std::string nowhere = "http://127.0.0.1:9";
  struct Found {
    const char* name;
    Variables environment;
    std::string more;  // of the profile, and what follows it
  };
  const Found cases[] = {
      {"service's variable", {{"AWS_ENDPOINT_URL_STS", url}, {"AWS_ENDPOINT_URL", nowhere}}, ""},
      {"variable", {{"AWS_ENDPOINT_URL", url}}, "endpoint_url = " + nowhere + "\n"},
      {"services",
       {},
       "services = s\nendpoint_url = " + nowhere + "\n[services s]\nsts =\n  endpoint_url = " + url + "\n"},
      {"profile", {}, "endpoint_url = " + url + "\n"},
  };
  for (const auto& one : cases) {
    World world;
    world.environment =
        With(With(one.environment, {{"AWS_PROFILE", "r"}, {"AWS_ENDPOINT_URL_STS", ""}}), world.environment);
    world.Write("config",
                "[profile base]\naws_access_key_id = B\naws_secret_access_key = s\n[profile r]\nrole_arn = "
                "arn:aws:iam::1:role/r\nsource_profile = base\n" +
                    one.more);
    const auto before = double_of_sts.service.calls().size();
    EXPECT_EQ(world.Outcome(), "STSID") << one.name;
    EXPECT_EQ(double_of_sts.service.calls().size(), before + 1) << one.name;
  }
  World wrong;
  wrong.environment = With({{"AWS_PROFILE", "r"}, {"AWS_ENDPOINT_URL_STS", "sts:1"}}, wrong.environment);
  wrong.Write("config", kRole);
  EXPECT_THAT(wrong.Outcome(), HasSubstr("AWS_ENDPOINT_URL_STS: endpoint 'sts:1' has no scheme"));
}

TEST(ProviderChecksTest, TheMetadataServiceIsAskedAsTheProfileSays) {
  const std::pair<const char*, const char*> cases[] = {
      {"ec2_metadata_service_endpoint_mode = IPv6\n", "[fd00:ec2::254]"},
      {"imds_use_ipv6 = true\n", "[fd00:ec2::254]"},
      {"ec2_metadata_service_endpoint = http://169.254.0.1\n", "169.254.0.1"},
  };
  for (const auto& [setting, host] : cases) {
    World world;
    world.Write("config", std::string("[default]\n") + setting);
    EXPECT_EQ(world.Outcome(), "IMDSID") << setting;
    EXPECT_EQ(world.local.at(0), host);
  }
  World wrong;
  wrong.Write("config", "[default]\nmetadata_service_timeout = x\n");
  EXPECT_THAT(wrong.Outcome(), HasSubstr("no number of seconds"));
}

TEST(ProviderChecksTest, OldNames) {
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

}  // namespace
}  // namespace s3
