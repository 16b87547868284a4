#include "pipeline/reports/run_records.h"

#include <gtest/gtest.h>

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
  directory_.Write("run/series.jsonl", R"({"t":1})");
  directory_.Write("sharded/shards/00000/journal.jsonl", "");
  directory_.Write("sharded/shards/00002/journal.jsonl", "");
  const auto scope = Open({"run", "sharded"});
  ASSERT_TRUE(scope) << scope.error().message;
  ASSERT_EQ(scope->runs.size(), 3u);
  EXPECT_EQ(scope->runs[0].last_session.host, "node");
  EXPECT_EQ(scope->runs[0].series.size(), 1u);
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
  run.end = EndRecord{kExitSomeFailed, true};
  EXPECT_EQ(run.StateText(), "failed");
  run.end = EndRecord{kExitOk, true};
  EXPECT_EQ(run.StateText(), "finished");
  run.view.phase = RunPhase::kActive;
  EXPECT_EQ(run.StateText(), "running");
}

}  // namespace run_records_test
}  // namespace pipeline
