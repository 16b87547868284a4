// Reads the limits of this process's control groups from /proc and /sys. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace pipeline {

struct CgroupLimits {
  double cpus = 0;                 // seconds of CPU time per second; 0: no limit
  std::uint64_t memory_bytes = 0;  // 0: no limit
};

// Returns the smaller of two limits, where 0 means no limit.
template <typename Number>
Number StricterLimit(Number one, Number other) {
  return one == 0 || other == 0 ? std::max(one, other) : std::min(one, other);
}

// Returns the strictest limits among the groups in `membership` and their ancestors, for both versions of
// control groups. `membership` is the text of /proc/self/cgroup. `mounts` is the directory where the
// hierarchies are mounted. If a file can't be read, it sets no limit.
// https://docs.kernel.org/admin-guide/cgroup-v2.html, "cpu.max", "memory.max", "memory.high";
// https://docs.kernel.org/scheduler/sched-bwc.html; https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
CgroupLimits CgroupLimitsOf(std::string_view membership, const std::string& mounts);

// Returns the limits of this process.
CgroupLimits ReadCgroupLimits();

}  // namespace pipeline
