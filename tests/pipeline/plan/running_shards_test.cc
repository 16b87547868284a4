#include "pipeline/plan/running_shards.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "tests/support/support.h"

namespace pipeline {
namespace running_shards_test {

using std::chrono::milliseconds;

TEST(RunningShardsTest, CountsTheShardsThatRun) {
  const test::TempDir plan;
  s3::RateLimits limits, others;
  limits.requests_per_second = 100;
  auto other = std::make_unique<RunningShards>(plan.path(), 2, 3, &others);
  const RunningShards first(plan.path(), 0, 3, &limits, milliseconds(0));
  while (limits.sharers == 3) std::this_thread::yield();
  EXPECT_EQ(limits.sharers, 2);
  EXPECT_TRUE(std::filesystem::exists(plan / "running/00002"));
  other.reset();
  EXPECT_FALSE(std::filesystem::exists(plan / "running/00002"));
}

TEST(RunningShardsTest, AssumesAllShardsUntilItHasCounted) {
  const test::TempDir plan;
  s3::RateLimits limits;
  limits.bytes_per_second = 100;
  const RunningShards first(plan.path(), 0, 3, &limits, std::chrono::hours(1));
  EXPECT_EQ(limits.sharers, 3);
  EXPECT_TRUE(std::filesystem::exists(plan / "running/00000"));
}

TEST(RunningShardsTest, CountsAShardThatWasKilled) {
  const test::TempDir plan;
  plan.Write("running/00000", "");
  plan.Write("running/00001", "");
  s3::RateLimits limits;
  limits.requests_per_second = 100;
  const RunningShards first(plan.path(), 0, 4, &limits, milliseconds(0));
  while (limits.sharers == 4) std::this_thread::yield();
  EXPECT_EQ(limits.sharers, 2) << "its own file was there already";
}

}  // namespace running_shards_test
}  // namespace pipeline
