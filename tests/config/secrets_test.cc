// The secrets of a job are never accepted on the command line, shown or recorded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "config/job.h"
#include "s3/hash/hash.h"

namespace config {
namespace secrets_test {

using testing::HasSubstr;
using testing::Not;

const std::string kKey = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=";  // 32 bytes
constexpr const char* kSmallest = "source:\n  - path: ./data\ndestination:\n  bucket: results\n";

class SecretsTest : public testing::Test {
 protected:
  Loaded<Job> Parse(const std::string& text, std::vector<std::string> overrides = {}) {
    return ParseJob(text, "job.yaml", overrides,
                    [this](const std::string& name) -> std::optional<std::string> {
                      const auto found = environment_.find(name);
                      return found == environment_.end() ? std::nullopt : std::optional(found->second);
                    });
  }
  Job Load(const std::string& text, std::vector<std::string> overrides = {}) {
    auto job = Parse(text, std::move(overrides));
    EXPECT_TRUE(job) << FormatProblems(job.error());
    return std::move(*job);
  }
  std::string ProblemsOf(const std::string& text, std::vector<std::string> overrides = {}) {
    const auto job = Parse(text, std::move(overrides));
    return job ? "none" : FormatProblems(job.error());
  }

  std::map<std::string, std::string> environment_{{"SECRET", "hunter2hunter2"}, {"KEY", kKey}, {"EMPTY", ""}};
};

TEST_F(SecretsTest, ASecretInAnArgumentIsRefused) {
  const std::string with_rule = std::string(kSmallest) + "object: {rules: [{match: '*'}]}\n";
  for (const std::string name : {"credentials.secret_access_key", "credentials.session_token",
                                 "object.customer_key", "object.rules.0.customer_key"}) {
    for (const std::string value :
         {"plain", "${KEY}x", "x${KEY}", "${NONE:-default}", "${KEY:-default}", "$${"}) {
      EXPECT_EQ(
          ProblemsOf(with_rule, {name + "=" + value}).find("--set " + name + ": every user of this machine"),
          0u)
          << name << "=" << value;
    }
  }
  for (const auto* value : {"http://u:p@h:1", "http://${SECRET}:p@h:1", "http://u:${SECRET}p@h:1", "u@h",
                            "socks5://token@h:1", "http://u:${SECRET:-p}@h:1", "http://u:p:@h:1"}) {
    EXPECT_THAT(ProblemsOf(kSmallest, {std::string("destination.proxy=") + value}), HasSubstr("every user"))
        << value;
  }
}

TEST_F(SecretsTest, AnArgumentMayContainVariables) {
  const auto job = Load(std::string(kSmallest) + "object: {rules: [{match: '*'}]}\n",
                        {"credentials.secret_access_key=${SECRET}", "credentials.access_key_id=AKID",
                         "object.customer_key=${KEY}", "object.rules.0.customer_key=${KEY}",
                         "destination.proxy=http://user:${SECRET}@h:1"});
  EXPECT_EQ(job.s3.credentials.secret_access_key.Reveal(), "hunter2hunter2");
  EXPECT_EQ(job.pipeline.object.properties.customer_key().Reveal(), kKey);
  EXPECT_EQ(job.pipeline.object.rules[0].properties.customer_key().Reveal(), kKey);
  EXPECT_EQ(job.s3.transport.proxy.url.Reveal(), "http://user:hunter2hunter2@h:1");
  // These contain no secret.
  for (const auto* open : {"destination.proxy=none", "destination.proxy=http://h:1", "object.customer_key=",
                           "destination.proxy=${NONE:-auto}", "credentials.session_token="}) {
    EXPECT_EQ(ProblemsOf(kSmallest, {open}), "none") << open;
  }
}

TEST_F(SecretsTest, ObjectPropertiesFromTheEnvironmentAreShownAsVariables) {
  environment_["TYPE"] = "hunter3hunter3";
  const auto text = std::string(kSmallest) + R"(  prefix: '${PREFIX:-open/}'
object:
  content_disposition: 'attachment; ${TYPE}'
  metadata: {token: '${SECRET}', twice: '${SECRET}${TYPE}', plain: open, empty: '${EMPTY}'}
  tags: {"a b": '${SECRET}', c: '&open'}
  rules:
    - {match: '*', metadata: {token: '${TYPE}', text: '$${SECRET}'}, customer_key: '${KEY}'}
)";
  const auto job = Load(text);
  EXPECT_EQ(*job.pipeline.object.properties.Find("x-amz-meta-token"), "hunter2hunter2");
  for (const auto& shown : {ShowJob(job), ShowIdentity(job)}) {
    EXPECT_THAT(shown, Not(HasSubstr("hunter")));
    EXPECT_THAT(shown, Not(HasSubstr("hidden")));
    EXPECT_THAT(shown, Not(HasSubstr(kKey.substr(0, 12))));
    EXPECT_THAT(shown, HasSubstr("prefix: open/"));
    EXPECT_THAT(shown, HasSubstr("plain: open"));
    EXPECT_THAT(shown, HasSubstr("content_disposition: \"attachment; ${TYPE}\""));
    EXPECT_THAT(shown, HasSubstr("text: \"$${SECRET}\""));
  }
  // The output of `check` reads back to the same job, except for the key.
  auto shown = ShowJob(job);
  EXPECT_THAT(
      shown,
      HasSubstr("metadata: {token: \"${SECRET}\", twice: \"${SECRET}${TYPE}\", plain: open, empty: \"\"}"));
  const auto key = shown.find("\"**redacted** #");
  ASSERT_NE(key, std::string::npos);
  shown.replace(key, shown.find('"', key + 1) + 1 - key, "\"${KEY}\"");
  const auto again = Load(shown);
  EXPECT_EQ(ShowJob(again), ShowJob(job));
  EXPECT_EQ(ShowIdentity(again), ShowIdentity(job));
  EXPECT_EQ(*again.pipeline.object.properties.Find("x-amz-meta-twice"), "hunter2hunter2hunter3hunter3");
}

TEST_F(SecretsTest, ACopyOfASecretIsHiddenToo) {
  const auto job = Load(std::string(kSmallest) + "object: {metadata: {a: '${SECRET}', b: hunter2hunter2}}\n");
  EXPECT_THAT(ShowJob(job), Not(HasSubstr("hunter")));
}

TEST_F(SecretsTest, AChangedSecretChangesOnlyItsCheckDigitsInTheIdentity) {
  const auto text =
      std::string(kSmallest) +
      "object: {metadata: {token: '${SECRET}'}, tags: {t: '${SECRET}'}, customer_key: '${KEY}'}\n";
  const auto before = ShowIdentity(Load(text));
  EXPECT_EQ(ShowIdentity(Load(text)), before);
  environment_["SECRET"] = "hunter4hunter4";
  const auto other_token = ShowIdentity(Load(text));
  EXPECT_NE(other_token, before);
  environment_["KEY"] = s3::Base64Encode(std::string(32, 'k'));
  EXPECT_NE(ShowIdentity(Load(text)), other_token);
  // Only check digits, from which the secret cannot be found.
  EXPECT_THAT(before, testing::ContainsRegex(R"(metadata: \{token: "\$\{SECRET\}" #[0-9a-f]{4}\})"));
}

TEST_F(SecretsTest, ProblemsDoNotQuoteTheEnvironment) {
  for (const std::string key : {"destination.region",
                                "destination.bucket",
                                "destination.endpoint",
                                "destination.endpoints",
                                "destination.profile",
                                "destination.addressing",
                                "destination.proxy",
                                "credentials.access_key_id",
                                "upload.concurrency",
                                "upload.part_size",
                                "retry.cap",
                                "integrity.checksum",
                                "object.posix",
                                "object.lock_until",
                                "object.encryption",
                                "object.customer_key",
                                "object.storage_class",
                                "limits.on_failure",
                                "report.prices.put",
                                "report.progress",
                                "source.0.page_cache",
                                "source.0.change_check",
                                "source.0.size",
                                "limits.memory"}) {
    for (const std::string secret : {"hunter2 / hunter2,\n", "hunter2 /  hunter2"}) {
      environment_["SECRET"] = secret;
      for (const std::string written :
           {"${SECRET}", "http://${SECRET}", "http://h:${SECRET}", "http://u:${SECRET}@h/"}) {
        EXPECT_THAT(ProblemsOf(kSmallest, {key + "=" + written}), Not(HasSubstr("hunter")))
            << key << " " << written;
      }
    }
  }
  EXPECT_THAT(ProblemsOf(kSmallest, {"retry.cap=${SECRET}"}),
              HasSubstr("retry.cap: '${SECRET}' is not a duration: write"));
  EXPECT_THAT(ProblemsOf(std::string(kSmallest) + "integrity: {checksum: '${SECRET}'}\n"),
              HasSubstr("integrity.checksum: '${SECRET}' is not one of"));
  EXPECT_THAT(ProblemsOf(std::string(kSmallest) + "retry: {cap: literal}\n"), HasSubstr("'literal' is not"));
}

TEST_F(SecretsTest, AnInvalidSetIsNotQuoted) {
  for (const auto* text :
       {"credentials.secret_access_key:hunter2hunter2", "=hunter2hunter2", "hunter2hunter2",
        "credentials.secret_acess_key=hunter2hunter2", "credential.secret_access_key=hunter2hunter2",
        "secret_access_key=hunter2hunter2", "object.rules.9.customer_key=hunter2hunter2",
        "credentials=hunter2hunter2", "credentials.secret_access_key.x=hunter2hunter2"}) {
    const auto problems = ProblemsOf(kSmallest, {text});
    EXPECT_NE(problems, "none") << text;
    EXPECT_THAT(problems, Not(HasSubstr("hunter"))) << text;
  }
}

// The '$' at the end of one value and the "${" of the next variable are not "$${".
TEST_F(SecretsTest, AValueThatEndsInADollarIsNotAnEscape) {
  environment_["A"] = "a$";
  EXPECT_EQ(Load(std::string(kSmallest) + "  prefix: '${A}${SECRET}'\n").s3.destination.prefix,
            "a$hunter2hunter2");
}

TEST_F(SecretsTest, ShownTextDoesNotControlATerminal) {
  environment_["ODD"] = "\x1b[2J\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\xa1 \x7f\n";
  const auto shown = ShowJob(Load(std::string(kSmallest) + "  prefix: '${ODD}'\n"));
  EXPECT_THAT(shown, HasSubstr("prefix: \"\\x1b[2J\\x9b\\u202E\\U000E0061 \\x7f\\x0a\"\n"));
  EXPECT_EQ(Load(shown).s3.destination.prefix, environment_["ODD"]) << "and is read back";
  environment_["ODD"] = "\xff\xc3\xbf";
  EXPECT_THAT(ShowJob(Load(std::string(kSmallest) + "  prefix: '${ODD}'\n")),
              HasSubstr("prefix: \"\\xff\xc3\xbf\"\n"));
  const auto problems =
      ProblemsOf(std::string(kSmallest) + "retry: {cap: \"a\\e[2Jb\\u202Ec\\nfake: line\"}\n");
  EXPECT_THAT(problems, HasSubstr("'a\\x1b[2Jb\\u{202E}c\\x0afake: line' is not a duration"));
}

}  // namespace secrets_test
}  // namespace config
