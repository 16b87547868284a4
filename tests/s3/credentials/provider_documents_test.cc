// The texts that credentials come in: files, command lines, times; and any other bytes.
#include "s3/credentials/providers/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "s3/credentials/providers/checked.h"
#include "s3/credentials/providers/process.h"
#include "s3/credentials/providers/profiles.h"
#include "tests/support/mutator.h"
#include "tests/support/support.h"

namespace s3 {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

TEST(TimestampTest, Rfc3339) {
  const auto at = [](std::string_view text) -> std::int64_t {
    const auto time = ParseTimestamp(text);
    return time ? std::chrono::duration_cast<seconds>(time->time_since_epoch()).count() : -1;
  };
  EXPECT_EQ(at("2026-11-24T12:00:00Z"), 1795521600);
  EXPECT_EQ(at("2026-11-24T12:00:00.999999Z"), 1795521600);
  EXPECT_EQ(at("2026-11-24T12:00:00UTC"), 1795521600) << "as SSO's cache has it";
  EXPECT_EQ(at("2026-11-24T13:30:00+01:30"), 1795521600);
  EXPECT_EQ(at("2026-11-24T10:00:00-02:00"), 1795521600);
  EXPECT_EQ(at("2024-02-29T00:00:00Z"), 1709164800);
  EXPECT_EQ(at("9999-12-31T23:59:59Z"), 7258118400) << "never";
  for (const auto* bad :
       {"", "2026-11-24", "2026-11-24T12:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-24T24:00:00Z", "2026-11-24T12:60:00Z", "2026-11-24T12:00:00+1:00", "2026-11-24T12:00:00.Z0",
        "-026-11-24T12:00:00Z", "1969-12-31T23:59:59Z"}) {
    EXPECT_EQ(at(bad), -1) << bad;
  }
}

TEST(SplitCommandTest, QuotesAsAShellHasThem) {
  EXPECT_THAT(SplitCommand("  a  b\tc ").value(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(SplitCommand("'a b' \"c 'd'\" e\\ f").value(), ElementsAre("a b", "c 'd'", "e f"));
  EXPECT_THAT(SplitCommand(R"("a\"b\\c\d" 'x\y' pre"fix"ed)").value(),
              ElementsAre("a\"b\\c\\d", "x\\y", "prefixed"));
  EXPECT_THAT(SplitCommand("a '' \"\"").value(), ElementsAre("a", "", ""));
  EXPECT_THAT(SplitCommand("a; $(b) `c` | d > e").value(),
              ElementsAre("a;", "$(b)", "`c`", "|", "d", ">", "e"));
  EXPECT_EQ(SplitCommand("a 'b"), std::nullopt);
  EXPECT_EQ(SplitCommand("a \"b"), std::nullopt);
}

TEST(ParseIniTest, SectionsAndSettings) {
  const auto file = ParseIni(
      "outside = x\n# comment\n[default]\nAWS_Access_Key_Id: upper\nregion=a=b # kept\n\n[ spaced ]\n  one = "
      "1\n"
      "  two = 2\n    nested = 3\n  three = 4\n[default]\nmore = y\n[broken\nlost = z\n");
  ASSERT_EQ(file.size(), 2u);
  const auto& settings = file.at("default");
  EXPECT_EQ(settings.at("aws_access_key_id").Reveal(), "upper");
  EXPECT_EQ(settings.at("region").Reveal(), "a=b # kept");
  EXPECT_EQ(settings.at("more").Reveal(), "y");
  EXPECT_FALSE(settings.contains("lost"));
  EXPECT_EQ(file.at("spaced").size(), 3u) << "what is indented more belongs to the setting before";
}

// A child that asks for its secrets back must not get them.
TEST(CredentialProcessTest, ChildHasNoSecretsAndNoShell) {
  test::TempDir directory;
  const auto seen = directory / "seen";
  const auto script = directory.Write(
      "helper", "#!/bin/sh\nenv > " + seen +
                    "\necho secret-on-stderr >&2\n"
                    "echo '{\"Version\":1,\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"S\"}'\n");
  ASSERT_EQ(chmod(script.c_str(), 0700), 0);
  const std::pair<const char*, const char*> variables[] = {{"AWS_SECRET_ACCESS_KEY", "hidden-by-name"},
                                                           {"AWS_SESSION_TOKEN", "hidden-by-name-too"},
                                                           {"MY_OWN_SECRET", "hidden-by-value"},
                                                           {"S3FLOW_TEST_KEPT", "kept"}};
  for (const auto& [name, value] : variables) setenv(name, value, 1);
  ProviderContext context;
  context.hidden = {Secret("hidden-by-value"), Secret()};
  testing::internal::CaptureStderr();
  const auto credentials = CredentialsFromProcess(script, context);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  for (const auto& [name, value] : variables) unsetenv(name);
  ASSERT_TRUE(credentials) << credentials.error().message;
  const auto environment = test::ReadAll(seen);
  EXPECT_EQ(environment.find("hidden-by"), std::string::npos) << environment;
  EXPECT_NE(environment.find("S3FLOW_TEST_KEPT=kept"), std::string::npos);
}

TEST(CredentialProcessTest, EndsWithItsChildrenWhenItTakesTooLong) {
  test::TempDir directory;
  const auto pid_file = directory / "pid";
  const auto script = directory.Write("helper", "#!/bin/sh\nsleep 600 &\necho $! > " + pid_file +
                                                    ".new\nmv " + pid_file + ".new " + pid_file + "\nwait\n");
  ASSERT_EQ(chmod(script.c_str(), 0700), 0);
  std::stop_source stop;
  ProviderContext context;
  context.stop = stop.get_token();
  std::jthread stopper([&] {
    while (access(pid_file.c_str(), R_OK) != 0) std::this_thread::yield();
    stop.request_stop();
  });
  const auto stopped = CredentialsFromProcess(script, context);
  ASSERT_FALSE(stopped);
  EXPECT_THAT(stopped.error().message, testing::HasSubstr("was stopped"));
  const auto pid = std::stoi(test::ReadAll(pid_file));
  // A zombie at most, until init has seen it.
  const auto gone = [&] {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    return text.empty() || text.find(") Z ") != std::string::npos;
  };
  while (!gone()) std::this_thread::yield();
  EXPECT_THAT(CredentialsFromProcess("/bin/sleep 600", ProviderContext{}, std::chrono::milliseconds(20))
                  .error()
                  .message,
              testing::HasSubstr("did not end in time"));
}

TEST(HostileInputTest, CredentialDocuments) {
  const std::vector<std::string> seeds{
      R"({"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2026-11-24T12:00:00Z","Code":"Success"})",
      R"({"roleCredentials":{"accessKeyId":"A","secretAccessKey":"S","sessionToken":"T","expiration":1795521600000}})",
      R"({"accessToken":"t","expiresAt":"2026-11-24T12:00:00UTC","x":[[[[1e99]]]]})",
      "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S"
      "</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2026-11-24T12:00:00Z</Expiration></"
      "Credentials>"
      "</AssumeRoleResult></AssumeRoleResponse>",
      "[default]\naws_access_key_id = A\n  nested = x\n[profile \"b\"]\nrole_arn: r\n",
      "/bin/a 'b c' \"d\\\"\" e\\ f"};
  test::Mutator mutator;
  HttpHeaders date;
  date.AppendLine("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
  const auto plain = [](const Result<Credentials>& read) {
    if (!read) {
      EXPECT_FALSE(read.error().message.empty());
      return;
    }
    const auto checked = CheckedCredentials({*read, "a document"}, [](std::string_view) {});
    if (!checked) return;
    const auto& credentials = checked->credentials;
    for (const auto text :
         {std::string_view(credentials.access_key_id), credentials.session_token.Reveal()}) {
      EXPECT_EQ(text.find_first_of(std::string_view("\r\n\0 ", 4)), std::string_view::npos);
    }
  };
  for (int i = 0; i < test::Rounds(); ++i) {
    const auto text = mutator.Next(seeds);
    plain(CredentialsFromJson(text, "Token"));
    plain(CredentialsFromSso(text));
    plain(CredentialsFromSts(text, "AssumeRole"));
    (void)SsoTokenFromJson(text);
    (void)RefusalCode(text);
    (void)ParseIni(text);
    (void)SplitCommand(text);
    (void)ParseTimestamp(text);
    (void)ParseHttpDate(text);
    if (const auto time = ParseTimestamp(text)) (void)ByOurClock(*time, date);
  }
}

}  // namespace
}  // namespace s3
