#include "pipeline/graph/slot_limits.h"

#include <gtest/gtest.h>

#include "pipeline/graph/concurrency_controller.h"

namespace pipeline {
namespace slot_limits_test {

TEST(SlotLimitsTest, AFixedConcurrencyIsAllThreeLimits) {
  UploadOptions options;
  options.concurrency = 7;
  const auto limits = SlotLimitsOf(options);
  EXPECT_TRUE(limits.fixed());
  EXPECT_EQ(limits.first, 7);
  EXPECT_EQ(limits.most, 7);
  options.concurrency = UploadOptions::kAuto;
  EXPECT_FALSE(SlotLimitsOf(options).fixed());
}

TEST(SlotLimitsTest, MoreCoresStartWithMoreLargeRequests) {
  const auto large_at_start = [](int threads, std::uint64_t bytes) {
    UploadOptions options;
    options.threads = threads;
    const auto limits = SlotLimitsOf(options);
    return limits.first / ConcurrencyController(limits, {}).WeightOf(bytes);
  };
#ifndef S3FLOW_BLOCKING_WAITER
  EXPECT_EQ(large_at_start(2, 16 << 20), 16);
  EXPECT_EQ(large_at_start(16, 16 << 20), 32);
  EXPECT_EQ(large_at_start(256, 5ull << 30), 32);
  EXPECT_EQ(large_at_start(2, 2 << 20), 32);
  EXPECT_EQ(large_at_start(2, 1 << 20), 64);
#else
  EXPECT_EQ(large_at_start(2, 16 << 20), 16);
#endif
}

}  // namespace slot_limits_test
}  // namespace pipeline
