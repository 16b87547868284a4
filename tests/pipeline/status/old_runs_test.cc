#include "pipeline/status/old_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "pipeline/journal/record.h"
#include "pipeline/journal/run_lock.h"
#include "pipeline/report/live_status.h"
#include "tests/support/support.h"

namespace pipeline {
namespace old_runs_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::chrono::hours kDay{24};

class OldRunsTest : public testing::Test {
 protected:
  // Makes the directory of a run that ended 40 days ago.
  void MakeRun(const std::string& name, LiveStatus status = {.complete = true}, bool ends_complete = true) {
    status.state = RunState::kFinished;
    if (!status.exit_status) status.exit_status = 0;
    const auto run = OwnDir::Make(parent_.PathOf(name)).value();
    ASSERT_TRUE(run.Write(kStatusName, StatusJson(status), 0644));
    const auto end = EndLine({static_cast<ExitStatus>(*status.exit_status), ends_complete});
    directory_.Write("runs/" + name + "/journal.jsonl", "{\"record\":\"run\",\"session\":1}\n" + end);
    timespec times[2] = {{std::time(nullptr) - 40 * 86400, 0}, {std::time(nullptr) - 40 * 86400, 0}};
    ASSERT_EQ(utimensat(run.fd(), kStatusName, times, 0), 0);
  }
  OldRuns Remove(OldRunsRule rule = {}) {
    rule.min_age = 30 * kDay;
    return RemoveOldRuns(parent_, rule).value();
  }
  bool Exists(const std::string& name) { return std::filesystem::exists(parent_.PathOf(name)); }

  test::TempDir directory_;
  const OwnDir parent_ = OwnDir::Make(directory_ / "runs").value();
};

TEST_F(OldRunsTest, CompleteRunsAreRemovedInAlphabeticalOrder) {
  for (const auto* name : {"b", "a"}) MakeRun(name);
  const auto runs = Remove();
  EXPECT_THAT(runs.removed, ElementsAre("a", "b"));
  EXPECT_THAT(runs.kept, IsEmpty());
  EXPECT_GT(runs.bytes, 0u);
  EXPECT_FALSE(Exists("a"));
}

TEST_F(OldRunsTest, ADryRunRemovesNothing) {
  MakeRun("a");
  EXPECT_THAT(Remove({.dry_run = true}).removed, ElementsAre("a"));
  EXPECT_TRUE(Exists("a/journal.jsonl"));
}

TEST_F(OldRunsTest, ReasonsToKeepARunAreNamed) {
  MakeRun("work-left", {.complete = false});
  MakeRun("shard", {.shard = "0/2", .complete = true});
  MakeRun("uploads-left", {.complete = true}, false);
  MakeRun("later-session");
  directory_.Write("runs/foreign/x", "");
  MakeRun("with-notes");
  directory_.Write("runs/with-notes/notes.txt", "mine");
  std::ofstream(parent_.PathOf("later-session/journal.jsonl"), std::ios::app) << "{\"record\":\"run\"}\n";
  const auto runs = Remove();
  EXPECT_THAT(runs.removed, IsEmpty());
  EXPECT_EQ(runs.others, 1u);
  const std::map<std::string, std::string> kept(runs.kept.begin(), runs.kept.end());
  EXPECT_THAT(kept.at("work-left"), HasSubstr("has work left"));
  EXPECT_THAT(kept.at("shard"), HasSubstr("is a shard"));
  EXPECT_THAT(kept.at("uploads-left"), HasSubstr("run s3flow clean " + parent_.PathOf("uploads-left")));
  EXPECT_THAT(kept.at("later-session"), HasSubstr("does not end with the end of a run"));
  EXPECT_THAT(kept.at("with-notes"), HasSubstr("contains notes.txt"));
}

TEST_F(OldRunsTest, ARunWithFailuresNeedsTheRule) {
  MakeRun("failed", {.exit_status = 1, .complete = true});
  EXPECT_THAT(Remove().removed, IsEmpty());
  EXPECT_THAT(Remove({.failed_too = true}).removed, ElementsAre("failed"));
}

TEST_F(OldRunsTest, AYoungRunIsKept) {
  MakeRun("young");
  const auto runs = RemoveOldRuns(parent_, {.min_age = 41 * kDay}).value();
  ASSERT_EQ(runs.kept.size(), 1u);
  EXPECT_THAT(runs.kept[0].second, HasSubstr("ended 40 days ago"));
}

TEST_F(OldRunsTest, ALockedRunIsKept) {
  MakeRun("locked");
  const auto lock = RunLock::Acquire(OwnDir::Open(parent_.PathOf("locked")).value(), [] {});
  ASSERT_TRUE(lock);
  EXPECT_THAT(Remove().removed, IsEmpty());
  EXPECT_TRUE(Exists("locked/journal.jsonl"));
}

}  // namespace old_runs_test
}  // namespace pipeline
