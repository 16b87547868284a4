#include "pipeline/reports/run_records.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <string>
#include <vector>

#include "tests/support/support.h"

namespace pipeline {
namespace run_records_test {

class RunRecordsTest : public testing::Test {
 protected:
  tl::expected<ReportScope, Refusal> Open(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const auto& name : names) paths.push_back(directory_ / name);
    return OpenRuns(paths, Trust::kOurs, std::time(nullptr));
  }
  const test::TempDir directory_;
};

TEST_F(RunRecordsTest, OpensRunsAndTheShardsOfAJob) {
  directory_.Write("run/journal.jsonl", "");
  directory_.Write("run/summary.json", R"({"host":"node"})");
  directory_.Write("sharded/shards/00000/journal.jsonl", "");
  directory_.Write("sharded/shards/00002/journal.jsonl", "");
  const auto scope = Open({"run", "sharded"});
  ASSERT_TRUE(scope) << scope.error().message;
  ASSERT_EQ(scope->runs.size(), 3u);
  EXPECT_EQ(scope->runs[0].last_session.host, "node");
  EXPECT_FALSE(scope->runs[0].shard);
  EXPECT_EQ(scope->runs[1].shard, 0);
  EXPECT_EQ(scope->runs[2].shard, 2);
  EXPECT_EQ(scope->runs[2].argument, 1);
  EXPECT_EQ(scope->shards_not_run, 1);
}

TEST_F(RunRecordsTest, RefusesOtherDirectories) {
  directory_.Write("other/file", "");
  directory_.Write("no-journal/status.json", R"({"schema": 1})");
  for (const auto* name : {"none", "other"}) {
    const auto scope = Open({name});
    ASSERT_FALSE(scope) << name;
    EXPECT_EQ(scope.error().status, kExitNoInput) << name;
  }
  EXPECT_FALSE(Open({"no-journal"}));
}

TEST_F(RunRecordsTest, TheStateFollowsFromJournalAndLock) {
  directory_.Write("run/journal.jsonl", "");
  auto run = Open({"run"})->runs.front();
  EXPECT_EQ(run.StateText(), "not run");
  run.run = RunRecord{};
  EXPECT_EQ(run.StateText(), "killed");
  run.end = EndRecord{kExitStopped, false};
  EXPECT_EQ(run.StateText(), "stopped");
  for (const int status : {kExitInterrupted, kExitRefused, kExitSomeFailed, kExitJournal}) {
    run.end = EndRecord{status, false};
    EXPECT_EQ(run.StateText(), "stopped") << status;
  }
  run.end = EndRecord{kExitOk, false};
  EXPECT_EQ(run.StateText(), "finished") << "only an unfinished upload is left";
  run.end = EndRecord{kExitSomeFailed, true};
  EXPECT_EQ(run.StateText(), "failed");
  run.end = EndRecord{kExitOk, true};
  EXPECT_EQ(run.StateText(), "finished");
  run.view.phase = RunPhase::kActive;
  EXPECT_EQ(run.StateText(), "running");
}

TEST_F(RunRecordsTest, ADamagedStatusCountsAsMissing) {
  directory_.Write("run/journal.jsonl", "");
  for (const auto& content : {std::string(), std::string(500, '\0'), std::string(1 << 17, ' '),
                              std::string("{\"schema\": 1, \"state\"")}) {
    directory_.Write("run/status.json", content);
    const auto scope = Open({"run"});
    ASSERT_TRUE(scope) << scope.error().message;
    const auto& view = scope->runs.front().view;
    EXPECT_TRUE(view.is_damaged);
    EXPECT_FALSE(view.status);
    EXPECT_EQ(view.phase, RunPhase::kLost);
    EXPECT_NE(view.problem.find("status.json"), std::string::npos) << view.problem;
  }
  directory_.Write("sharded/shards/00000/journal.jsonl", "");
  directory_.Write("sharded/shards/00000/status.json", "");
  EXPECT_TRUE(Open({"sharded"}));
}

TEST_F(RunRecordsTest, AStatusThatIsNotTrustedIsRefused) {
  directory_.Write("run/journal.jsonl", "");
  ASSERT_EQ(symlink("journal.jsonl", (directory_ / "run/status.json").c_str()), 0);
  const auto scope = Open({"run"});
  ASSERT_FALSE(scope);
  EXPECT_EQ(scope.error().status, kExitJournal);
}

TEST_F(RunRecordsTest, ARehearsalIsNotReportedTogetherWithOtherRuns) {
  directory_.Write("real/journal.jsonl", "");
  directory_.Write("rehearsal/journal.jsonl", "");
  auto scope = Open({"real", "rehearsal"}).value();
  EXPECT_TRUE(CheckKinds(scope)) << "no session has begun";
  scope.runs[0].run = RunRecord{};
  scope.runs[1].run = RunRecord{};
  EXPECT_TRUE(CheckKinds(scope));
  EXPECT_FALSE(scope.IsRehearsal());
  scope.runs[1].run->scope.kind = RunKind::kRehearsal;
  const auto checked = CheckKinds(scope);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().status, kExitNoInput);
  EXPECT_NE(checked.error().message.find("/rehearsal is a rehearsal, and "), std::string::npos);
  scope.runs[0].run->scope.kind = RunKind::kRehearsal;
  EXPECT_TRUE(CheckKinds(scope)) << "two rehearsals";
  EXPECT_TRUE(scope.IsRehearsal());
}

}  // namespace run_records_test
}  // namespace pipeline
