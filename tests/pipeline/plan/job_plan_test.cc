#include "pipeline/plan/job_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace pipeline {
namespace job_plan_test {

TEST(JobPlanTest, ReadsBackAsItWasWritten) {
  const test::TempDir directory;
  JobPlan plan{.id = "id",
               .settings = "a: \"b\"\n",
               .directory = "/home",
               .overrides = {"x.y=1"},
               .created_s = 5,
               .objects = 30};
  plan.shards = {{10, 100, 12}, {20, 300, 20}};
  plan.cut_objects = 1;
  EXPECT_EQ(plan.requests(), 34u);
  EXPECT_DOUBLE_EQ(plan.bytes_imbalance(), 1.5);
  directory.Write("plan.json", PlanJson(plan));
  const auto plan_dir = OwnDir::Open(directory.path()).value();
  const auto read = LoadPlan(plan_dir);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(PlanJson(*read), PlanJson(plan));

  const auto text = PlanJson(plan);
  for (std::size_t at = 0; at < text.size() - 2; ++at) {
    directory.Write("plan.json", text.substr(0, at));
    EXPECT_FALSE(LoadPlan(plan_dir)) << at;
  }
}

TEST(JobPlanTest, TextTellsTheTimeOfTheLargestShard) {
  JobPlan plan{.objects = 30, .bytes = 400};
  plan.shards = {{10, 100, 10}, {20, 300, 10}};
  EXPECT_EQ(PlanText(plan, 0, 0),
            "30 inputs, 400 B, at least 20 requests, in 2 shards\n"
            "the largest shard has 1.500 times the mean bytes, 1.000 times the mean requests\n");
  EXPECT_THAT(PlanText(plan, 10, 0), testing::HasSubstr("assumed rate: 60 s"));
  EXPECT_THAT(PlanText(plan, 10, 1), testing::HasSubstr("assumed rate: 60 s"));
  EXPECT_THAT(PlanText(plan, 100, 1), testing::HasSubstr("assumed rate: 20 s"));
}

}  // namespace job_plan_test
}  // namespace pipeline
