#include "pipeline/status/run_view.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "pipeline/journal/run_lock.h"
#include "tests/support/support.h"

namespace pipeline {
namespace run_view_test {

class RunViewTest : public testing::Test {
 protected:
  void WriteStatus(const LiveStatus& status) {
    ASSERT_TRUE(run_dir_.Write(kStatusName, StatusJson(status), 0644));
  }
  // Views the run `later_s` seconds after now.
  RunView View(std::int64_t later_s = 0) { return ViewRun(run_dir_, std::time(nullptr) + later_s); }

  test::TempDir directory_;
  const OwnDir run_dir_ = OwnDir::Make(directory_ / "run").value();
};

const LiveStatus kRunning{.state = RunState::kRunning};

TEST_F(RunViewTest, AnEmptyDirectoryHasNotRun) {
  EXPECT_EQ(View().phase, RunPhase::kNotRun);
  EXPECT_EQ(View().StateText(), "not run");
  EXPECT_TRUE(View().WorkLeft());
}

TEST_F(RunViewTest, ALockedRunIsActiveAndAReleasedOneIsLost) {
  WriteStatus(kRunning);
  {
    const auto lock = RunLock::Acquire(run_dir_, [] {}).value();
    EXPECT_EQ(View().phase, RunPhase::kActive);
    EXPECT_EQ(View().StateText(), "running");
  }
  EXPECT_EQ(View().phase, RunPhase::kLost) << "an old status.json of a dead run says \"running\"";
  EXPECT_EQ(View().StateText(), "lost");
  EXPECT_FALSE(View().is_locked);
}

TEST_F(RunViewTest, ALockedRunThatIsSilentIsLost) {
  WriteStatus(kRunning);
  const auto lock = RunLock::Acquire(run_dir_, [] {}).value();
  EXPECT_EQ(View(90).phase, RunPhase::kActive);
  EXPECT_EQ(View(100).phase, RunPhase::kLost);
  EXPECT_TRUE(View(100).is_locked);
  EXPECT_GE(View(100).age_s, 100);
}

TEST_F(RunViewTest, AnEndedRunStaysEnded) {
  WriteStatus(FinalStatus({}, {.source_exhausted = true}, kExitOk));
  EXPECT_EQ(View(1'000'000).phase, RunPhase::kEnded);
  EXPECT_EQ(View().StateText(), "finished");
  EXPECT_FALSE(View().WorkLeft());
  EXPECT_FALSE(View().HasFailures());
  WriteStatus(FinalStatus({}, {.failed = 1, .source_exhausted = true}, kExitSomeFailed));
  EXPECT_FALSE(View().WorkLeft());
  EXPECT_TRUE(View().HasFailures());
  WriteStatus(FinalStatus({}, {}, kExitStopped));
  EXPECT_TRUE(View().WorkLeft());
}

TEST_F(RunViewTest, ARunWithoutAStatusIsKnownByItsLock) {
  ASSERT_TRUE(run_dir_.Write("journal.jsonl", "", 0600));
  EXPECT_EQ(View().phase, RunPhase::kLost);
  const auto lock = RunLock::Acquire(run_dir_, [] {}).value();
  EXPECT_EQ(View().phase, RunPhase::kActive);
  EXPECT_EQ(View().StateText(), "running");
}

TEST_F(RunViewTest, WhatIsNoStatusFileIsNotRead) {
  const auto path = directory_ / "run/status.json";
  const auto other = directory_.Write("other", StatusJson(kRunning));
  ASSERT_EQ(symlink(other.c_str(), path.c_str()), 0);
  EXPECT_EQ(View().phase, RunPhase::kUnreadable);
  EXPECT_EQ(View().problem,
            path + " is a symbolic link, not a regular file: remove it, or choose another directory");
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0644), 0);
  EXPECT_EQ(View().phase, RunPhase::kUnreadable) << "must not block";
  unlink(path.c_str());
  ASSERT_TRUE(run_dir_.Write(kStatusName, std::string(1 << 17, ' '), 0644));
  EXPECT_EQ(View().phase, RunPhase::kUnreadable);
  ASSERT_TRUE(run_dir_.Write(kStatusName, "{}", 0644));
  EXPECT_EQ(View().problem, path + " is not a status of s3flow");
  WriteStatus(kRunning);
  const auto theirs = OwnDir::Open(directory_ / "run").value();  // opened, not made: checks modes
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  EXPECT_EQ(ViewRun(theirs, std::time(nullptr)).phase, RunPhase::kUnreadable);
}

}  // namespace run_view_test
}  // namespace pipeline
