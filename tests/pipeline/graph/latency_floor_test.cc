#include "pipeline/graph/latency_floor.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace pipeline {
namespace latency_floor_test {

using namespace std::chrono_literals;

TEST(LatencyFloorTest, ComparesWithTheFastestSoFar) {
  LatencyFloor floor;
  EXPECT_TRUE(floor.IsFast(4096, 100ms)) << "the first one is the fastest";
  EXPECT_TRUE(floor.IsFast(4096, 150ms));
  EXPECT_FALSE(floor.IsFast(4096, 151ms));
  EXPECT_TRUE(floor.IsFast(4096, 10ms));
  EXPECT_FALSE(floor.IsFast(4096, 100ms));
}

TEST(LatencyFloorTest, ComparesTasksOfSimilarSizeOnly) {
  LatencyFloor floor;
  EXPECT_TRUE(floor.IsFast(1 << 20, 10ms));
  EXPECT_TRUE(floor.IsFast(1 << 21, 1s));
  EXPECT_FALSE(floor.IsFast((1 << 21) - 1, 1s)) << "as many bits as 1 MiB";
  EXPECT_TRUE(floor.IsFast(0, 2s));
  EXPECT_TRUE(floor.IsFast(UINT64_MAX, 1h));
}

}  // namespace latency_floor_test
}  // namespace pipeline
