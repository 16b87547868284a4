#include "pipeline/run/end_hook.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/support/support.h"

namespace pipeline {
namespace end_hook_test {

class EndHookTest : public testing::Test {
 protected:
  void RunHook(std::vector<std::string> command, std::stop_token stop = {}) {
    report_.on_end = std::move(command);
    RunEndHook(report_, run_, std::move(stop), [this](std::string_view text) { notes_.emplace_back(text); });
  }
  void RunScript(const std::string& script) { RunHook({"/bin/sh", "-c", script, "sh", directory_ / "out"}); }

  test::TempDir directory_;
  ReportOptions report_;
  RunResult run_{.status = kExitSomeFailed,
                 .summary = {.found = 5, .uploaded = 3, .failed = 2, .uploaded_bytes = 70},
                 .run_dir = "some/run",
                 .has_records = true,
                 .message = "why\n"};
  std::vector<std::string> notes_;
};

TEST_F(EndHookTest, TheCommandLearnsTheResult) {
  setenv("S3FLOW_STATUS", "inherited", 1);
  RunScript(
      "echo $S3FLOW_STATUS $S3FLOW_RUN_DIR $S3FLOW_SUMMARY $S3FLOW_JOURNAL $S3FLOW_FOUND $S3FLOW_UPLOADED "
      "$S3FLOW_SKIPPED $S3FLOW_FAILED $S3FLOW_CANCELLED $S3FLOW_UPLOADED_BYTES \"$S3FLOW_MESSAGE\" > $1");
  unsetenv("S3FLOW_STATUS");
  char here[4096];
  const std::string run_dir = std::string(getcwd(here, sizeof here)) + "/some/run";
  EXPECT_EQ(test::ReadAll(directory_ / "out"), "1 " + run_dir + " " + run_dir + "/summary.json " + run_dir +
                                                   "/journal.jsonl 5 3 0 2 0 70 why\\x0a\n");
  EXPECT_TRUE(notes_.empty());
}

TEST_F(EndHookTest, AFailureIsOneNote) {
  RunScript("exit 4");
  RunHook({"/nonexistent", "secret"});
  EXPECT_EQ(notes_,
            (std::vector<std::string>{"report.on_end: /bin/sh ended with exit status 4",
                                      "report.on_end: cannot run /nonexistent: No such file or directory"}));
}

TEST_F(EndHookTest, TheTimeIsLimited) {
  report_.on_end_timeout = std::chrono::milliseconds(0);
  RunHook({"/bin/sleep", "1000"});
  EXPECT_EQ(notes_,
            std::vector<std::string>{"report.on_end: /bin/sleep did not finish within the time limit"});
}

TEST_F(EndHookTest, AnAbortedRunStillReportsItsEnd) {
  std::stop_source stop;
  stop.request_stop();
  RunHook({"/bin/sh", "-c", "echo > $0", directory_ / "out"}, stop.get_token());
  EXPECT_EQ(test::ReadAll(directory_ / "out"), "\n");
  EXPECT_TRUE(notes_.empty());
}

TEST_F(EndHookTest, ARunThatHasNotBegunReportsNothing) {
  run_.has_records = false;
  RunScript("echo > $1");
  EXPECT_EQ(access((directory_ / "out").c_str(), F_OK), -1);
}

}  // namespace end_hook_test
}  // namespace pipeline
