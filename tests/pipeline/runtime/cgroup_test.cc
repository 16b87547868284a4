#include "pipeline/runtime/cgroup.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/support/support.h"

namespace pipeline {
namespace cgroup_test {

// Files in a directory stand for the hierarchies: real limits would need a machine that has them.
class CgroupTest : public testing::Test {
 protected:
  void ExpectLimits(const std::string& membership, double cpus, std::uint64_t memory_bytes) const {
    const auto limits = CgroupLimitsOf(membership, mounts_.path());
    EXPECT_DOUBLE_EQ(limits.cpus, cpus) << membership;
    EXPECT_EQ(limits.memory_bytes, memory_bytes) << membership;
  }

  test::TempDir mounts_;
};

TEST_F(CgroupTest, UnlimitedGroupsLimitNothing) {
  ExpectLimits("", 0, 0);
  ExpectLimits("0::/\n", 0, 0);
  mounts_.Write("a/cpu.max", "max 100000\n");
  mounts_.Write("a/memory.max", "max\n");
  ExpectLimits("0::/a\n", 0, 0);
  mounts_.Write("cpu/a/cpu.cfs_quota_us", "-1\n");
  mounts_.Write("cpu/a/cpu.cfs_period_us", "100000\n");
  ExpectLimits("3:cpu:/a\n", 0, 0);
}

TEST_F(CgroupTest, TheStrictestLimitOfAGroupAndThoseAboveItCounts) {
  mounts_.Write("job/cpu.max", "400000 100000\n");
  mounts_.Write("job/memory.max", "4096\n");
  mounts_.Write("job/step/cpu.max", "150000 100000\n");
  mounts_.Write("job/step/memory.max", "max\n");
  ExpectLimits("0::/job\n", 4, 4096);
  ExpectLimits("0::/job/step\n", 1.5, 4096);
  ExpectLimits("0::/job/step/gone\n", 1.5, 4096);
  mounts_.Write("job/step/memory.high", "1024\n");
  ExpectLimits("0::/job/step", 1.5, 1024);
  ExpectLimits("0::/other\n", 0, 0);
}

TEST_F(CgroupTest, Version1HasAHierarchyForEachController) {
  mounts_.Write("cpu/job/cpu.cfs_quota_us", "50000\n");
  mounts_.Write("cpu/job/cpu.cfs_period_us", "100000\n");
  mounts_.Write("memory/job/memory.limit_in_bytes", "8192\n");
  ExpectLimits("12:cpuset:/job\n11:cpu,cpuacct:/job\n4:memory:/job\n0::/\n", 0.5, 8192);
  // In a container the path is the host's, and the root of the mount is the container's own group.
  mounts_.Write("memory/memory.limit_in_bytes", "16384\n");
  ExpectLimits("4:memory:/docker/0123\n", 0, 16384);
}

TEST_F(CgroupTest, TextThatCannotBeParsedLimitsNothing) {
  mounts_.Write("a/cpu.max", "100000 0\n");
  mounts_.Write("a/memory.max", "12x\n");
  ExpectLimits("0::/a\n", 0, 0);
  mounts_.Write("a/cpu.max", "100000");
  mounts_.Write("a/memory.max", "99999999999999999999999\n");
  ExpectLimits("0::/a\n", 0, 0);
  for (const char* membership : {"0::a/b\n", ":::\n", "\n\n", "0:", "0::", "4:memory:", "0::///\n"}) {
    ExpectLimits(membership, 0, 0);
  }
}

TEST(StricterLimitTest, ZeroMeansNoLimit) {
  EXPECT_EQ(StricterLimit(2, 3), 2);
  EXPECT_EQ(StricterLimit(0, 3), 3);
  EXPECT_EQ(StricterLimit(3, 0), 3);
  EXPECT_EQ(StricterLimit(0, 0), 0);
}

}  // namespace cgroup_test
}  // namespace pipeline
