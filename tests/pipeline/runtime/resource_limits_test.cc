#include "pipeline/runtime/resource_limits.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>
#include <utility>

namespace pipeline {
namespace resource_limits_test {

TEST(ResourceLimitsTest, MinTakesTheStricterLimitOfEachResource) {
  const auto min = [](const ResourceLimits& one, const ResourceLimits& other) {
    const auto both = Min(one, other), reversed = Min(other, one);
    EXPECT_EQ(std::pair(both.cpus, both.memory_bytes), std::pair(reversed.cpus, reversed.memory_bytes));
    return std::pair(both.cpus, both.memory_bytes);
  };
  EXPECT_EQ(min({4, 100}, {2, 200}), std::pair(2, 100ul));
  EXPECT_EQ(min({0, 0}, {2, 200}), std::pair(2, 200ul));
  EXPECT_EQ(min({0, 0}, {0, 0}), std::pair(0, 0ul));
}

TEST(ResourceLimitsTest, ApplyToSetsThreadsAndCapsTheMemory) {
  UploadOptions options;
  ApplyTo({.cpus = 3, .memory_bytes = 256ull << 20}, &options);
  EXPECT_EQ(std::pair(options.threads, options.memory_bytes >> 20), std::pair(3, 192ul));
  EXPECT_EQ(CoresOf(options), 3);
  ApplyTo({.cpus = 5, .memory_bytes = 100ull << 20}, &options);
  EXPECT_EQ(std::pair(options.threads, options.memory_bytes >> 20), std::pair(3, 50ul));
  ApplyTo({.cpus = 0, .memory_bytes = 1ull << 40}, &options);
  EXPECT_EQ(options.memory_bytes >> 20, 50u) << "never more than the job allows";
}

TEST(ResourceLimitsTest, KernelLimitsAreWithinTheAffinityMask) {
  std::thread([] {
    cpu_set_t mask;
    ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
    EXPECT_LE(KernelLimits().cpus, CPU_COUNT(&mask));
    EXPECT_GE(KernelLimits().cpus, 1);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &mask)) ++cpu;
    CPU_ZERO(&mask);
    CPU_SET(cpu, &mask);
    ASSERT_EQ(sched_setaffinity(0, sizeof mask, &mask), 0);
    EXPECT_EQ(KernelLimits().cpus, 1);
    EXPECT_EQ(CoresOf({}), 1);
  }).join();
}

}  // namespace resource_limits_test
}  // namespace pipeline
