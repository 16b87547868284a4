#include "pipeline/plan/finish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/plan_fixture.h"

namespace pipeline {
namespace finish_test {

using s3::endpoint::FaultAction;
using testing::ElementsAre;

class FinishTest : public test::PlanFixture {
 protected:
  FinishTest() {
    WriteFiles(10);
    directory_.Write("data/large", test::Content(30'000));
  }
};

TEST_F(FinishTest, CompletesSharedObjectsAndAccountsForAllInputs) {
  ASSERT_EQ(Plan(3).status, kExitOk);
  RunAllShards();
  EXPECT_EQ(Stored("large"), "(absent)") << "only finish completes it";
  const auto report = Finish();
  EXPECT_EQ(report.status, kExitOk) << report.message;
  EXPECT_EQ(report.found, 11u);
  EXPECT_EQ(report.uploaded, 11u);
  EXPECT_EQ(report.completed_now, 1u);
  EXPECT_EQ(report.sessions, 3u);
  EXPECT_EQ(Stored("large"), test::Content(30'000));
  EXPECT_EQ(server_->CountUploads("bucket"), 0u);
  const auto summary = nlohmann::json::parse(test::ReadAll(plan_path_ + "/summary.json"));
  EXPECT_EQ(summary.at("uploaded"), 11);
  EXPECT_EQ(summary.at("exit_status"), 0);
}

TEST_F(FinishTest, MayBeRepeated) {
  ASSERT_EQ(Plan(3).status, kExitOk);
  RunAllShards();
  EXPECT_EQ(Finish().status, kExitOk);
  const auto again = Finish();
  EXPECT_EQ(again.status, kExitOk) << again.message;
  EXPECT_EQ(again.uploaded, 11u);
  EXPECT_EQ(again.completed_now, 0u);
  EXPECT_EQ(server_->stats().requests["CompleteMultipartUpload"], 1);
}

TEST_F(FinishTest, NamesTheShardsThatHaveNotRun) {
  ASSERT_EQ(Plan(3).status, kExitOk);
  EXPECT_EQ(RunShard(1).status, kExitOk);
  const auto report = Finish();
  EXPECT_EQ(report.status, kExitStopped);
  EXPECT_THAT(report.not_run, ElementsAre(0, 2));
  EXPECT_THAT(report.shards_to_run(), ElementsAre(0, 2));
  EXPECT_EQ(report.found, report.uploaded + report.left);
  EXPECT_EQ(Stored("large"), "(absent)");
}

TEST_F(FinishTest, ReportsFailuresOfShards) {
  ASSERT_EQ(Plan(3).status, kExitOk);
  directory_.Write("data/f3", "changed after it was planned");
  for (int shard = 0; shard < 3; ++shard) RunShard(shard);
  const auto report = Finish();
  EXPECT_EQ(report.status, kExitSomeFailed) << report.message;
  EXPECT_EQ(report.failed, 1u);
  EXPECT_EQ(report.failures_by_kind.at("changed"), 1u);
  EXPECT_EQ(report.with_failures.size(), 1u);
  EXPECT_EQ(Stored("large"), test::Content(30'000)) << "other objects are completed";
}

TEST_F(FinishTest, FindsNewInputsOnRequest) {
  ASSERT_EQ(Plan(2).status, kExitOk);
  RunAllShards();
  EXPECT_FALSE(Finish().new_inputs);
  directory_.Write("data/new", "x");
  const auto report = Finish(true);
  EXPECT_EQ(report.status, kExitOk) << report.message;
  ASSERT_TRUE(report.new_inputs);
  EXPECT_THAT(report.new_inputs->paths, ElementsAre(directory_ / "data/new"));
}

}  // namespace finish_test
}  // namespace pipeline
