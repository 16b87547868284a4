#include "pipeline/plan/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "pipeline/plan/manifest.h"
#include "tests/support/plan_fixture.h"

namespace pipeline {
namespace planner_test {

using s3::endpoint::FaultAction;
using testing::HasSubstr;

using PlannerTest = test::PlanFixture;

TEST_F(PlannerTest, SplitsALargeFileAndKeepsTheOthersWhole) {
  WriteFiles(20);
  directory_.Write("data/large", test::Content(30'000));
  const auto outcome = Plan(4);
  ASSERT_EQ(outcome.status, kExitOk) << outcome.message;
  EXPECT_EQ(plan_.objects, 21u);
  EXPECT_EQ(plan_.cut_objects, 1u);
  EXPECT_EQ(plan_.ranges, 4u);
  EXPECT_EQ(server_->CountUploads("bucket"), 1u);
  EXPECT_FALSE(std::filesystem::exists(plan_path_ + "/spool"));

  std::multiset<std::string> keys;
  std::set<int> parts;
  std::uint64_t requests = 2;  // create and complete
  for (int shard = 0; shard < 4; ++shard) {
    const auto before = keys.size();
    ASSERT_TRUE(ReadManifest(PlanDir(), shard, [&](const Input& input) {
      const auto& file = FileOf(input);
      keys.insert(file.key);
      if (!file.range) return true;
      for (int part = file.range->first; part <= file.range->last; ++part) parts.insert(part);
      return true;
    }));
    const auto& load = plan_.shards[static_cast<std::size_t>(shard)];
    EXPECT_EQ(load.inputs, keys.size() - before);
    requests += load.requests;
  }
  EXPECT_EQ(keys.size(), 24u);
  EXPECT_EQ(keys.count("large"), 4u);
  EXPECT_EQ(parts.size(), 30u);
  EXPECT_EQ(plan_.requests(), requests);
}

TEST_F(PlannerTest, OneShardGetsWholeFiles) {
  directory_.Write("data/large", test::Content(30'000));
  ASSERT_EQ(Plan(1).status, kExitOk);
  EXPECT_EQ(plan_.cut_objects, 0u);
  EXPECT_EQ(server_->CountUploads("bucket"), 0u);
}

TEST_F(PlannerTest, LoadsAsItWasMade) {
  WriteFiles(3);
  ASSERT_EQ(Plan(2).status, kExitOk);
  const auto loaded = LoadPlan(PlanDir());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(PlanJson(*loaded), PlanJson(plan_));
  EXPECT_EQ(test::ReadAll(plan_path_ + "/job.yaml"), "job");
}

TEST_F(PlannerTest, RefusesADirectoryWithAPlanOrWithOtherFiles) {
  WriteFiles(3);
  ASSERT_EQ(Plan(2).status, kExitOk);
  EXPECT_THAT(Plan(2).message, HasSubstr("already contains a plan"));
  std::filesystem::remove_all(plan_path_);
  directory_.Write("plan/job.yaml", "another program's");
  const auto refused = Plan(2);
  EXPECT_EQ(refused.status, kExitConfig);
  EXPECT_THAT(refused.message, HasSubstr("job.yaml exists and does not belong to a plan"));
  EXPECT_EQ(test::ReadAll(plan_path_ + "/job.yaml"), "another program's");
}

TEST_F(PlannerTest, RefusesAnEmptySourceAndAStream) {
  const auto empty = Plan(2);
  EXPECT_EQ(empty.status, kExitNoInput);
  EXPECT_THAT(empty.message, HasSubstr("the source is empty"));
  options_.source[0].stream = true;
  const auto stream = Plan(2);
  EXPECT_EQ(stream.status, kExitConfig);
  EXPECT_THAT(stream.message, HasSubstr("a stream cannot be planned"));
}

TEST_F(PlannerTest, AbortsItsUploadsWhenItFailsAndCanBeRepeated) {
  directory_.Write("data/large1", test::Content(30'000));
  directory_.Write("data/large2", test::Content(30'000));
  auto refused = test::FaultOn("CreateMultipartUpload", FaultAction::kStatus, 1000);
  refused.key = "large2";
  refused.status = 403;
  refused.code = "AccessDenied";
  Fail(refused);
  StartServer();
  const auto failed = Plan(2);
  EXPECT_EQ(failed.status, kExitRefused) << failed.message;
  EXPECT_THAT(failed.message, HasSubstr("CreateMultipartUpload"));
  EXPECT_EQ(server_->CountUploads("bucket"), 0u);
  EXPECT_FALSE(std::filesystem::exists(plan_path_ + "/plan.json"));
  server_options_.faults.clear();
  StartServer();
  EXPECT_EQ(Plan(2).status, kExitOk);
}

TEST_F(PlannerTest, MakesNoPlanOnceItIsStopped) {
  WriteFiles(3);
  stop_.Drain(StopCause::kTerminate, "got SIGTERM");
  const auto stopped = Plan(2);
  EXPECT_EQ(stopped.status, kExitStopped);
  EXPECT_EQ(stopped.message, "got SIGTERM");
  EXPECT_FALSE(std::filesystem::exists(plan_path_ + "/plan.json"));
}

}  // namespace planner_test
}  // namespace pipeline
