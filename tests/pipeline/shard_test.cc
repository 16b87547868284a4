#include "pipeline/shard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "pipeline/plan/running_shards.h"
#include "tests/support/support.h"

namespace pipeline {
namespace {

TEST(ShardTest, EachKeyBelongsToOneShard) {
  std::vector<int> keys(7, 0);
  for (int i = 0; i < 7000; ++i) {
    const auto key = fmt::format("run42/{}", i);
    int owners = 0;
    for (int index = 0; index < 7; ++index) {
      if (!Shard{index, 7}.Has(key)) continue;
      ++owners;
      ++keys[static_cast<std::size_t>(index)];
    }
    EXPECT_EQ(owners, 1) << key;
  }
  for (const int count : keys) EXPECT_NEAR(count, 1000, 150);
  // printf a | sha256sum, its first 16 digits: ca978112ca1bbdca, which is 6 modulo 7.
  EXPECT_TRUE((Shard{static_cast<int>(0xca978112ca1bbdcaull % 7), 7}.Has("a")));
}

TEST(ShardTest, RangesTextJoinsNeighbours) {
  EXPECT_EQ(RangesText({}), "");
  EXPECT_EQ(RangesText({4}), "4");
  EXPECT_EQ(RangesText({0, 3, 4, 5, 7}), "0,3-5,7");
}

TEST(CensusTest, ShardsThatRunShareTheLimits) {
  const test::TempDir plan;
  s3::RateLimits limits, others;
  limits.requests_per_second = 100;
  const RunningShards first(plan.path(), 0, 3, &limits);
  auto other = std::make_unique<RunningShards>(plan.path(), 2, 3, &others);
  EXPECT_EQ(limits.sharers, 3) << "all that there may be, until it has looked";
  while (limits.sharers == 3) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(limits.sharers, 2);
  EXPECT_TRUE(std::filesystem::exists(plan / "running/00002"));
  other.reset();
  EXPECT_FALSE(std::filesystem::exists(plan / "running/00002"));
}

}  // namespace
}  // namespace pipeline
