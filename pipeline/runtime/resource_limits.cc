#include "pipeline/runtime/resource_limits.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <thread>
#include <vector>

#include "pipeline/runtime/cgroup.h"

namespace pipeline {
namespace {

// Memory for the program itself and 512 requests in flight; see pipeline/DESIGN.md, "Memory".
constexpr std::uint64_t kOverheadBytes = 64ull << 20;
constexpr std::size_t kMaxCpuSets = 64;  // of 1,024 CPUs each

int CpusInAffinityMask() {
  for (std::size_t sets = 1; sets <= kMaxCpuSets; sets *= 2) {
    std::vector<cpu_set_t> mask(sets);
    const auto bytes = sets * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
    if (errno != EINVAL) break;  // EINVAL: the kernel's mask is longer
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

ResourceLimits KernelLimits() {
  const auto limits = ReadCgroupLimits();
  const auto quota = static_cast<int>(std::ceil(std::min(limits.cpus, 1e6)));
  return {.cpus = StricterLimit(CpusInAffinityMask(), quota), .memory_bytes = limits.memory_bytes};
}

ResourceLimits Min(const ResourceLimits& one, const ResourceLimits& other) {
  return {.cpus = StricterLimit(one.cpus, other.cpus),
          .memory_bytes = StricterLimit(one.memory_bytes, other.memory_bytes)};
}

void ApplyTo(const ResourceLimits& granted, UploadOptions* options) {
  if (options->threads == 0) options->threads = granted.cpus;
  const auto memory = granted.memory_bytes;
  if (memory == 0) return;
  const auto for_bodies = memory > 2 * kOverheadBytes ? memory - kOverheadBytes : memory / 2;
  options->memory_bytes = std::min(options->memory_bytes, for_bodies);
}

int CoresOf(const UploadOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1, KernelLimits().cpus);
}

}  // namespace pipeline
