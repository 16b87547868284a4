// What CPUs and memory a process takes: what scheduler, affinity mask and control groups let it.
#include "pipeline/runtime/resource_limits.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <map>
#include <thread>
#include <utility>

#include "pipeline/runtime/cgroup.h"
#include "tests/support/support.h"

namespace pipeline {
namespace {

using Values = std::map<std::string, std::string>;

TEST(AllotmentTest, OfASchedulerIsTheTasksPart) {
  const auto of = [](const Values& values) {
    const auto allotment = SchedulerLimits([&](const std::string& name) -> std::optional<std::string> {
      const auto value = values.find(name);
      return value == values.end() ? std::nullopt : std::optional(value->second);
    });
    return std::pair(allotment.cpus, allotment.memory_bytes >> 20);
  };
  EXPECT_EQ(of({}), std::pair(0, 0ul));
  EXPECT_EQ(of({{"SLURM_CPUS_PER_TASK", "4"}, {"SLURM_MEM_PER_NODE", "8192"}}), std::pair(4, 8192ul));
  EXPECT_EQ(of({{"SLURM_MEM_PER_NODE", "8192"}, {"SLURM_STEP_TASKS_PER_NODE", "2(x3),4"}}),
            std::pair(0, 2048ul));
  EXPECT_EQ(of({{"SLURM_CPUS_PER_TASK", "4"}, {"SLURM_MEM_PER_CPU", "512"}}), std::pair(4, 2048ul));
  EXPECT_EQ(of({{"SLURM_CPUS_PER_TASK", "x"}, {"SLURM_MEM_PER_NODE", "0"}}), std::pair(0, 0ul));
}

TEST(AllotmentTest, TheStricterCounts) {
  const auto least = [](const ResourceLimits& one, const ResourceLimits& other) {
    const auto both = Min(one, other), reversed = Min(other, one);
    EXPECT_EQ(std::pair(both.cpus, both.memory_bytes), std::pair(reversed.cpus, reversed.memory_bytes));
    return std::pair(both.cpus, both.memory_bytes);
  };
  EXPECT_EQ(least({4, 100}, {2, 200}), std::pair(2, 100ul));
  EXPECT_EQ(least({0, 0}, {2, 200}), std::pair(2, 200ul));
  EXPECT_EQ(least({0, 0}, {0, 0}), std::pair(0, 0ul));
}

TEST(AllotmentTest, IsFollowed) {
  UploadOptions options;
  ApplyTo({.cpus = 3, .memory_bytes = 256ull << 20}, &options);
  EXPECT_EQ(std::pair(options.threads, options.memory_bytes >> 20), std::pair(3, 192ul));
  EXPECT_EQ(CoresOf(options), 3);
  ApplyTo({.cpus = 5, .memory_bytes = 100ull << 20}, &options);
  EXPECT_EQ(std::pair(options.threads, options.memory_bytes >> 20), std::pair(3, 50ul));
  ApplyTo({.cpus = 0, .memory_bytes = 1ull << 40}, &options);
  EXPECT_EQ(options.memory_bytes >> 20, 50u) << "never more than the job says";
}

TEST(AllotmentTest, OfTheKernelIsWithinTheAffinityMask) {
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

// The hierarchies as files: the real ones need a machine with such limits.
class CgroupTest : public testing::Test {
 protected:
  void Limits(const std::string& membership, double cpus, std::uint64_t memory_bytes) const {
    const auto limits = CgroupLimitsOf(membership, mounts_.path());
    EXPECT_DOUBLE_EQ(limits.cpus, cpus) << membership;
    EXPECT_EQ(limits.memory_bytes, memory_bytes) << membership;
  }

  test::TempDir mounts_;
};

TEST_F(CgroupTest, WithoutLimitsThereAreNone) {
  Limits("", 0, 0);
  Limits("0::/\n", 0, 0);
  mounts_.Write("a/cpu.max", "max 100000\n");
  mounts_.Write("a/memory.max", "max\n");
  Limits("0::/a\n", 0, 0);
  mounts_.Write("cpu/a/cpu.cfs_quota_us", "-1\n");
  mounts_.Write("cpu/a/cpu.cfs_period_us", "100000\n");
  Limits("3:cpu:/a\n", 0, 0);
}

TEST_F(CgroupTest, TheStrictestOfAGroupAndThoseAboveItCounts) {
  mounts_.Write("job/cpu.max", "400000 100000\n");
  mounts_.Write("job/memory.max", "4096\n");
  mounts_.Write("job/step/cpu.max", "150000 100000\n");
  mounts_.Write("job/step/memory.max", "max\n");
  Limits("0::/job\n", 4, 4096);
  Limits("0::/job/step\n", 1.5, 4096);
  Limits("0::/job/step/gone\n", 1.5, 4096);
  mounts_.Write("job/step/memory.high", "1024\n");
  Limits("0::/job/step", 1.5, 1024);
  Limits("0::/other\n", 0, 0);
}

TEST_F(CgroupTest, Version1) {
  mounts_.Write("cpu/job/cpu.cfs_quota_us", "50000\n");
  mounts_.Write("cpu/job/cpu.cfs_period_us", "100000\n");
  mounts_.Write("memory/job/memory.limit_in_bytes", "8192\n");
  Limits("12:cpuset:/job\n11:cpu,cpuacct:/job\n4:memory:/job\n0::/\n", 0.5, 8192);
  // Of a container whose paths are the host's: what is mounted is its own group.
  mounts_.Write("memory/memory.limit_in_bytes", "16384\n");
  Limits("4:memory:/docker/0123\n", 0, 16384);
}

TEST_F(CgroupTest, WhatMakesNoSenseLimitsNothing) {
  mounts_.Write("a/cpu.max", "100000 0\n");
  mounts_.Write("a/memory.max", "12x\n");
  Limits("0::/a\n", 0, 0);
  mounts_.Write("a/cpu.max", "100000");
  mounts_.Write("a/memory.max", "99999999999999999999999\n");
  Limits("0::/a\n", 0, 0);
  for (const char* membership : {"0::a/b\n", ":::\n", "\n\n", "0:", "0::", "4:memory:", "0::///\n"}) {
    Limits(membership, 0, 0);
  }
}

}  // namespace
}  // namespace pipeline
