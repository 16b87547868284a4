#include "s3/credentials/providers/sso.h"

#include "s3/hash/hash.h"
#include "tests/support/provider_world.h"

namespace s3 {
namespace sso_test {

using namespace test;
using testing::HasSubstr;
using testing::Not;

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

TEST(Sso, TheTokenOfTheLoginGivesTheCredentialsOfTheRole) {
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
      {"no role name", SsoProfile("sso_role_name"), "corp", fresh, "IAM Identity Center needs sso_role_name"},
      {"no account", SsoProfile("sso_account_id"), "corp", fresh, "IAM Identity Center needs sso_account_id"},
      {"cache is no JSON", SsoProfile(), "corp", "nonsense", "is not a JSON object"},
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
       "the response has no roleCredentials",
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

}  // namespace sso_test
}  // namespace s3
