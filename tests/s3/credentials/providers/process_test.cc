#include "s3/credentials/providers/process.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/provider_world.h"

namespace s3 {
namespace process_test {

using namespace test;
using testing::ElementsAre;

TEST(SplitCommand, QuotesWorkAsInAShell) {
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

TEST(CredentialProcess, OutputAndExitStatusDecide) {
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
      {"signal", {}, process(script("kill -9 $$")), "", "error: was killed by signal 9"},
      {"no JSON", {}, process("/bin/echo hello"), "", "error: did not write a JSON object"},
      {"another version",
       {},
       process(script("echo '{\"Version\": 2}'")),
       "",
       "error: did not write \"Version\": 1"},
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
       "error: has an Expiration that is not a time"},
      {"too much", {}, process("/usr/bin/yes"), "", "error: wrote more than 64 KiB"},
      {"a quote that does not end", {}, process("/bin/echo 'x"), "", "error: open quote"},
  });
}

TEST(CredentialProcess, TheChildHasNoSecretsAndNoShell) {
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

TEST(CredentialProcess, IsKilledWithItsChildrenWhenItTakesTooLong) {
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
  // It may remain as a zombie until init reaps it.
  const auto gone = [&] {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    return text.empty() || text.find(") Z ") != std::string::npos;
  };
  while (!gone()) std::this_thread::yield();
  EXPECT_THAT(CredentialsFromProcess("/bin/sleep 600", ProviderContext{}, std::chrono::milliseconds(20))
                  .error()
                  .message,
              testing::HasSubstr("did not finish within the time limit"));
}

}  // namespace process_test
}  // namespace s3
