#include "s3/base/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "s3/base/unique_fd.h"
#include "tests/support/support.h"

namespace s3 {
namespace child_process_test {

using std::chrono::hours;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

std::vector<std::string> Shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

std::string RunShell(const std::string& script, int out = -1) {
  const auto child = StartChild({.words = Shell(script), .environment = {"NAME=value"}, .out = out});
  return AwaitChild(child.value(), {.deadline = Clock::now() + hours(1)});
}

TEST(ChildProcessTest, SaysHowTheProgramEnded) {
  EXPECT_EQ(RunShell("exit 0"), "");
  EXPECT_EQ(RunShell("exit 3"), "ended with exit status 3");
  EXPECT_EQ(RunShell("kill -9 $$"), "was killed by signal 9");
  EXPECT_EQ(StartChild({.words = {"/nonexistent"}}).error().message,
            "cannot run /nonexistent: No such file or directory");
}

TEST(ChildProcessTest, ThereIsNoShellAndTheEnvironmentIsTheGivenOne) {
  test::TempDir directory;
  const auto path = directory.Write("out", "");
  const UniqueFd out(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const auto child = StartChild({.words = {"/usr/bin/printf", "%s|", "$NAME", "a b", ""}, .out = out.get()});
  EXPECT_EQ(AwaitChild(child.value(), {.deadline = Clock::now() + hours(1)}), "");
  EXPECT_EQ(RunShell("env -u PWD -u _ -u SHLVL -u OLDPWD", out.get()), "");
  EXPECT_EQ(test::ReadAll(path), "$NAME|a b||NAME=value\n");
}

TEST(ChildProcessTest, AtTheDeadlineTheWholeGroupGetsSigterm) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  // The grandchild holds the pipe, too, so the pipe ends only when the grandchild has ended.
  const auto child = StartChild({.words = Shell("trap 'echo bye; exit 0' TERM; sleep 1000 & echo go; wait"),
                                 .environment = EnvironmentList([](std::string_view) { return true; }),
                                 .out = out.get()});
  out.Close();
  char go[3];
  ASSERT_EQ(read(in.get(), go, sizeof go), 3);  // the trap is set
  EXPECT_EQ(AwaitChild(child.value(), {.deadline = Clock::now(), .grace = hours(1)}),
            "did not finish within the time limit");
  char rest[16];
  EXPECT_EQ(read(in.get(), rest, sizeof rest), 4);
  EXPECT_EQ(read(in.get(), rest, sizeof rest), 0);
}

TEST(ChildProcessTest, AProgramThatIgnoresSigtermIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const auto child =
      StartChild({.words = Shell("trap '' TERM; echo go; sleep 1000; sleep 1000"), .out = out.get()});
  out.Close();
  char go[3];
  ASSERT_EQ(read(in.get(), go, sizeof go), 3);
  EXPECT_EQ(AwaitChild(child.value(), {.deadline = Clock::now(), .grace = milliseconds(1)}),
            "did not finish within the time limit");
  EXPECT_EQ(read(in.get(), go, sizeof go), 0);
}

TEST(ChildProcessTest, AtTheDeadlineAProgramThatHasEndedTakesItsChildrenAlong) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const auto child = StartChild({.words = Shell("sleep 1000 & exit 0"),
                                 .environment = EnvironmentList([](std::string_view) { return true; }),
                                 .out = out.get()});
  out.Close();
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child.value()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(AwaitChild(child.value(), {.deadline = Clock::now()}), "did not finish within the time limit");
  char none;
  EXPECT_EQ(read(in.get(), &none, 1), 0);  // the sleeping process held the pipe
}

TEST(ChildProcessTest, AStopRequestEndsTheProgram) {
  std::stop_source stop;
  const auto child = StartChild({.words = {"/bin/sleep", "1000"}});
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(AwaitChild(child.value(), {.deadline = Clock::now() + hours(1), .stop = stop.get_token()}),
            "was stopped");
}

}  // namespace child_process_test
}  // namespace s3
