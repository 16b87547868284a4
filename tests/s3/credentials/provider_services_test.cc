// The providers at the end of the chain: IAM Identity Center, credential_process, containers, instances.
#include <sys/stat.h>

#include "s3/credentials/providers/chain.h"
#include "s3/hash/hash.h"
#include "tests/support/provider_world.h"

namespace s3 {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string SsoProfile(const std::string& without = "") {
  std::string text = "[profile s]\n";
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"sso_account_id", "1"},
                                    {"sso_role_name", "reader"},
                                    {"sso_session", "corp"}}) {
    if (name != without) text += name + " = " + value + "\n";
  }
  return text + "[sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://corp.example/start\n";
}

void Login(World* world, const std::string& cached_as, const std::string& json) {
  Digest digest(Digest::Kind::kSha1);
  digest.Update(cached_as);
  world->home.Write(".aws/sso/cache/" + HexEncode(digest.Finish()) + ".json", json);
}

std::string SsoToken(std::chrono::seconds left) {
  return R"({"accessToken": "ssotoken", "expiresAt": ")" + In(left) + R"("})";
}

TEST(ProviderServicesTest, IdentityCenter) {
  struct SsoCase {
    const char* name;
    std::string config, cached_as, cache;
    const char* expected;
    std::vector<std::pair<std::string, HttpAnswer>> answers{};
  };
  const auto fresh = SsoToken(std::chrono::hours(1));
  const std::string legacy =
      "[profile s]\nsso_start_url = https://old.example\nsso_region = us-east-1\nsso_account_id = 1\n"
      "sso_role_name = reader\n";
  const SsoCase cases[] = {
      {"a session", SsoProfile(), "corp", fresh, "SSOID"},
      {"a start URL", legacy, "https://old.example", fresh, "SSOID"},
      {"not logged in", SsoProfile(), "other", fresh, "run: aws sso login --profile s"},
      {"login expired", SsoProfile(), "corp", SsoToken(std::chrono::seconds(-1)),
       "has expired; run: aws sso login"},
      {"no such session", "[profile s]\nsso_session = gone\n", "corp", fresh,
       "there is no [sso-session gone]"},
      {"no role name", SsoProfile("sso_role_name"), "corp", fresh, "sso needs sso_role_name"},
      {"no account", SsoProfile("sso_account_id"), "corp", fresh, "sso needs sso_account_id"},
      {"cache is no JSON", SsoProfile(), "corp", "nonsense", "is no JSON object"},
      {"cache has no token", SsoProfile(), "corp", "{}", "has no accessToken"},
      {"cache has no end", SsoProfile(), "corp", R"({"accessToken": "x"})", "has no expiresAt"},
      {"refused",
       SsoProfile(),
       "corp",
       fresh,
       "HTTP 401; run: aws sso login",
       {{"GET /federation", {401, ""}}}},
      {"forbidden",
       SsoProfile(),
       "corp",
       fresh,
       "HTTP 403, ForbiddenException",
       {{"GET /federation", {403, R"({"__type": "ForbiddenException", "message": "ssotoken"})"}}}},
      {"nonsense",
       SsoProfile(),
       "corp",
       fresh,
       "the answer has no roleCredentials",
       {{"GET /federation", {200, "{}"}}}},
  };
  for (const auto& one : cases) {
    World world;
    world.environment["AWS_PROFILE"] = "s";
    world.Write("config", one.config);
    Login(&world, one.cached_as, one.cache);
    world.answers = one.answers;
    const auto outcome = world.Outcome();
    EXPECT_THAT(outcome, HasSubstr(one.expected)) << one.name;
    EXPECT_THAT(outcome, Not(HasSubstr("ssotoken"))) << one.name;
    for (const auto& call : world.service.calls()) {
      EXPECT_EQ(call.Header("x-amz-sso_bearer_token"), "ssotoken");
      EXPECT_EQ(call.target, "/federation/credentials?account_id=1&role_name=reader");
    }
  }
}

TEST(ProviderServicesTest, CredentialProcess) {
  const auto process = [](const std::string& command) {
    return "[default]\ncredential_process = " + command + "\n";
  };
  test::TempDir directory;
  const auto script = [&](const std::string& text) {
    static int number = 0;
    const auto path = directory.Write("p" + std::to_string(number++), "#!/bin/sh\n" + text);
    chmod(path.c_str(), 0700);
    return path;
  };
  const std::string good = R"({"Version": 1, "AccessKeyId": "PROCID", "SecretAccessKey": "s"})";
  Check({
      {"good", {}, process(script("echo '" + good + "'")), "", "PROCID"},
      {"keys of the credentials file before it", {}, process("/nonexistent"), kKeys, "FILEID"},
      {"before keys of the config file",
       {},
       kKeys + process(script("echo '" + good + "'")).substr(10),
       "",
       "PROCID"},
      {"arguments, no shell", {}, process("/bin/echo '" + good + "'"), "", "PROCID"},
      {"no such program",
       {},
       process("/nonexistent/program --secret x"),
       "",
       "error: cannot run /nonexistent/program"},
      {"exit status", {}, process(script("echo hush >&2; exit 3")), "", "error: ended with exit status 3"},
      {"signal", {}, process(script("kill -9 $$")), "", "error: was ended by signal 9"},
      {"no JSON", {}, process("/bin/echo hello"), "", "error: wrote no JSON object"},
      {"another version",
       {},
       process(script("echo '{\"Version\": 2}'")),
       "",
       "error: wrote no \"Version\": 1"},
      {"no secret",
       {},
       process(script(R"(echo '{"Version": 1, "AccessKeyId": "x"}')")),
       "",
       "error: wrote a document that has no SecretAccessKey"},
      {"no time",
       {},
       process(script(R"(echo '{"Version": 1, "AccessKeyId": "x", "SecretAccessKey": "s", )"
                      R"("Expiration": "never"}')")),
       "",
       "error: has an Expiration that is no time"},
      {"too much", {}, process("/usr/bin/yes"), "", "error: wrote more than 64 KiB"},
      {"a quote that does not end", {}, process("/bin/echo 'x"), "", "error: is no command"},
  });
}

TEST(ProviderServicesTest, Container) {
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
      {"no URI", full("ftp://x"), "", "", "error: is no URI"},
      {"no path", relative("creds"), "", "", "error: is no path"},
      {"a header in the path", relative("/a\r\nX: y"), "", "", "error: is no path"},
      {"a header in the token", With(relative("/creds"), {{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nb"}}),
       "", "", "error: a character that no token has"},
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
       "error: the answer is no JSON object",
       {{"GET /creds", {200, "<x/>"}}}},
      {"half",
       relative("/creds"),
       "",
       "",
       "error: the answer has no SecretAccessKey",
       {{"GET /creds", {200, R"({"AccessKeyId": "x"})"}}}},
      {"a number for a key",
       relative("/creds"),
       "",
       "",
       "error: AccessKeyId that is no text",
       {{"GET /creds", {200, R"({"AccessKeyId": 7})"}}}},
  });
}

TEST(ProviderServicesTest, ContainerTokenIsReadEachTimeAndNoProxyIsAsked) {
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

TEST(ProviderServicesTest, ContainerIsAskedThreeTimes) {
  World world;
  world.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds";
  world.answers = {{"GET /creds", {500, ""}}};
  EXPECT_THAT(world.Outcome(), HasSubstr("answered HTTP 500"));
  EXPECT_EQ(world.service.calls().size(), 3u);
}

TEST(ProviderServicesTest, Instance) {
  const Variables on{{"AWS_EC2_METADATA_DISABLED", "false"}};
  const auto roles = "GET " + World::kRoles;
  Check({
      {"a role", on, "", "", "IMDSID"},
      {"disabled", {{"AWS_EC2_METADATA_DISABLED", "TRUE"}}, "", "", "error: no credentials"},
      {"last of all", With(on, {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds"}}), "", "", "BOXID"},
      {"IPv6", With(on, {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}}), "", "", "IMDSID"},
      {"no mode", With(on, {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "x"}}), "", "",
       "error: neither IPv4 nor IPv6"},
      {"no endpoint", With(on, {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "x"}}), "", "",
       "error: SERVICE_ENDPOINT: "},
      {"no timeout", With(on, {{"AWS_METADATA_SERVICE_TIMEOUT", "0"}}), "", "",
       "error: SERVICE_TIMEOUT is no number"},
      {"no attempts", With(on, {{"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "many"}}), "", "",
       "error: NUM_ATTEMPTS is no"},
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
       "error: should be a session token is none",
       {{"PUT /latest", {200, "a b"}}}},
      {"no role", on, "", "", "error: the instance has no role", {{roles, {404, ""}}}},
      {"no name", on, "", "", "error: no name of a role", {{roles, {200, "\n"}}}},
      {"token refused", on, "", "", "error: no name of a role: HTTP 401", {{roles, {401, ""}}}},
      {"role without credentials",
       on,
       "",
       "",
       "error: HTTP 200, AssumeRoleUnauthorizedAccess",
       {{roles + "the-role", {200, R"({"Code": "AssumeRoleUnauthorizedAccess"})"}}}},
      {"nonsense", on, "", "", "error: the answer is no JSON object", {{roles + "the-role", {200, "x"}}}},
      {"PUT unanswered, GET answered",
       on,
       "",
       "",
       "error: --http-put-response-hop-limit 2",
       {{"PUT /latest", {0, ""}}}},
  });
}

TEST(ProviderServicesTest, InstanceIsAskedWithATokenAndThroughNoProxy) {
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

// The service may be unable to renew; AWS's stores then take the old ones longer.
TEST(ProviderServicesTest, ExpiredCredentialsOfAnInstanceAreUsedABitLonger) {
  World world;
  world.answers = {{"GET " + World::kRoles + "the-role", {200, KeysJson("OLD", In(std::chrono::hours(-1)))}}};
  const auto loaded = world.Load();
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_GT(*loaded->credentials.expires, std::chrono::system_clock::now() + std::chrono::minutes(14));
  ASSERT_EQ(world.warnings.size(), 1u);
  EXPECT_THAT(world.warnings[0], HasSubstr("have expired"));
}

TEST(ProviderServicesTest, AStopEndsTheWait) {
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

}  // namespace
}  // namespace s3
