// What the control groups that this process is in may use. Reads files of the kernel; any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace pipeline {

struct CgroupLimits {
  double cpus = 0;                 // CPU time in a second, in seconds; 0: no limit
  std::uint64_t memory_bytes = 0;  // likewise
};

// Of two limits, where 0 is none.
template <typename Number>
Number Stricter(Number one, Number other) {
  return one == 0 || other == 0 ? std::max(one, other) : std::min(one, other);
}

// Of both versions the strictest of each group and those above it. `membership` is what /proc/self/cgroup
// says, `mounts` the directory of the hierarchies. What cannot be read limits nothing.
// https://docs.kernel.org/admin-guide/cgroup-v2.html, "cpu.max", "memory.max", "memory.high";
// https://docs.kernel.org/scheduler/sched-bwc.html; https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
CgroupLimits CgroupLimitsOf(std::string_view membership, const std::string& mounts);

// Of this process.
CgroupLimits ReadCgroupLimits();

}  // namespace pipeline
