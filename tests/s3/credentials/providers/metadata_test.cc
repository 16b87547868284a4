#include "s3/credentials/providers/metadata.h"

#include "tests/support/provider_world.h"

namespace s3 {
namespace metadata_test {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Container, OnlyItsOwnHostsAreAskedOverHttp) {
  test::TempDir directory;
  const auto token = directory.Write("token", "agent-token\n");
  const auto relative = [](const std::string& path) {
    return Variables{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path}};
  };
  const auto full = [](const std::string& uri) {
    return Variables{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", uri}};
  };
  Check({
      {"relative", relative("/creds?id=1"), "", "", "BOXID"},
      {"after files", relative("/creds"), "", kKeys, "FILEID"},
      {"agent of EKS", full("http://169.254.170.23/creds"), "", "", "BOXID"},
      {"agent of EKS, IPv6", full("http://[fd00:ec2::23]/creds"), "", "", "BOXID"},
      {"another host over http", full("http://evil.example/creds"), "", "",
       "error: 'evil.example' is neither"},
      {"a name that begins like an address", full("http://127.0.0.1.evil.example/"), "", "",
       "error: is neither"},
      {"the metadata service is no agent", full("http://169.254.169.254/creds"), "", "", "error: is neither"},
      {"no URI", full("ftp://x"), "", "", "error: is not a URI"},
      {"no path", relative("creds"), "", "", "error: is not a path"},
      {"a header in the path", relative("/a\r\nX: y"), "", "", "error: is not a path"},
      {"a header in the token", With(relative("/creds"), {{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nb"}}),
       "", "", "error: has an invalid character"},
      {"no token file",
       With(relative("/creds"), {{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent"}}), "", "",
       "error: cannot read /nonexistent"},
      {"a token file", With(relative("/creds"), {{"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token}}), "", "",
       "BOXID"},
      {"refused",
       relative("/creds"),
       "",
       "",
       "error: HTTP 403, AccessDenied",
       {{"GET /creds", {403, R"({"code": "AccessDenied", "message": "hush"})"}}}},
      {"nonsense",
       relative("/creds"),
       "",
       "",
       "error: the response is not a JSON object",
       {{"GET /creds", {200, "<x/>"}}}},
      {"half",
       relative("/creds"),
       "",
       "",
       "error: the response has no SecretAccessKey",
       {{"GET /creds", {200, R"({"AccessKeyId": "x"})"}}}},
      {"a number for a key",
       relative("/creds"),
       "",
       "",
       "error: AccessKeyId that is not text",
       {{"GET /creds", {200, R"({"AccessKeyId": 7})"}}}},
  });
}

TEST(Container, TheTokenFileIsReadEachTimeAndNoProxyIsUsed) {
  World world;
  world.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds";
  world.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "not this one";
  world.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = world.home.Write("token", "one");
  ASSERT_EQ(world.Outcome(), "BOXID");
  world.home.Write("token", "two\n");
  ASSERT_EQ(world.Outcome(), "BOXID");
  EXPECT_EQ(world.service.calls()[0].Header("authorization"), "one");
  EXPECT_EQ(world.service.calls()[1].Header("authorization"), "two");
  EXPECT_THAT(world.local, ElementsAre("169.254.170.2", "169.254.170.2"));
  EXPECT_FALSE(world.through_proxy);
}

TEST(Container, AnErrorIsRetriedTwice) {
  World world;
  world.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds";
  world.answers = {{"GET /creds", {500, ""}}};
  EXPECT_THAT(world.Outcome(), HasSubstr("returned HTTP 500"));
  EXPECT_EQ(world.service.calls().size(), 3u);
}

TEST(Container, ALineEndOfTheTokenIsIgnoredAndAHeaderInItRefused) {
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

TEST(Instance, ItsRoleGivesTheCredentials) {
  const Variables on{{"AWS_EC2_METADATA_DISABLED", "false"}};
  const auto roles = "GET " + World::kRoles;
  Check({
      {"a role", on, "", "", "IMDSID"},
      {"disabled", {{"AWS_EC2_METADATA_DISABLED", "TRUE"}}, "", "", "error: no credentials"},
      {"last of all", With(on, {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds"}}), "", "", "BOXID"},
      {"IPv6", With(on, {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}}), "", "", "IMDSID"},
      {"no mode", With(on, {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "x"}}), "", "",
       "error: must be IPv4 or IPv6"},
      {"no endpoint", With(on, {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "x"}}), "", "",
       "error: SERVICE_ENDPOINT: "},
      {"no timeout", With(on, {{"AWS_METADATA_SERVICE_TIMEOUT", "0"}}), "", "",
       "error: SERVICE_TIMEOUT must be a number"},
      {"no attempts", With(on, {{"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "many"}}), "", "",
       "error: NUM_ATTEMPTS must be"},
      {"no IMDSv2", on, "", "", "error: no session token (IMDSv2): HTTP 403", {{"PUT /latest", {403, ""}}}},
      {"an old service",
       on,
       "",
       "",
       "error: no session token (IMDSv2): HTTP 404",
       {{"PUT /latest", {404, ""}}}},
      {"a bad token",
       on,
       "",
       "",
       "error: the session token (IMDSv2) is empty, or has",
       {{"PUT /latest", {200, "a b"}}}},
      {"no role", on, "", "", "error: the instance has no role", {{roles, {404, ""}}}},
      {"no name", on, "", "", "error: no role name", {{roles, {200, "\n"}}}},
      {"token refused", on, "", "", "error: no role name: HTTP 401", {{roles, {401, ""}}}},
      {"role without credentials",
       on,
       "",
       "",
       "error: HTTP 200, AssumeRoleUnauthorizedAccess",
       {{roles + "the-role", {200, R"({"Code": "AssumeRoleUnauthorizedAccess"})"}}}},
      {"nonsense",
       on,
       "",
       "",
       "error: the response is not a JSON object",
       {{roles + "the-role", {200, "x"}}}},
      {"PUT unanswered, GET answered",
       on,
       "",
       "",
       "error: --http-put-response-hop-limit 2",
       {{"PUT /latest", {0, ""}}}},
  });
}

TEST(Instance, RequestsHaveASessionTokenAndNoProxy) {
  World world;
  const auto loaded = world.Load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->credentials.session_token.Reveal(), "jsontoken");
  const auto calls = world.service.calls();
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].Header("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(calls[1].Header("x-aws-ec2-metadata-token"), "imdstoken");
  EXPECT_EQ(calls[2].Header("x-aws-ec2-metadata-token"), "imdstoken");
  EXPECT_FALSE(world.through_proxy);
  EXPECT_EQ(world.local.front(), "169.254.169.254");
}

// The service may be unable to renew them; S3 then accepts the old ones for longer.
TEST(Instance, ExpiredCredentialsAreUsedForAnother15Minutes) {
  World world;
  world.answers = {{"GET " + World::kRoles + "the-role", {200, KeysJson("OLD", In(std::chrono::hours(-1)))}}};
  const auto loaded = world.Load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_GT(*loaded->credentials.expires, std::chrono::system_clock::now() + std::chrono::minutes(14));
  ASSERT_EQ(world.warnings.size(), 1u);
  EXPECT_THAT(world.warnings[0], HasSubstr("expired credentials"));
}

}  // namespace metadata_test
}  // namespace s3
