#include "pipeline/runtime/resource_limits.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/runtime/cgroup.h"

namespace pipeline {
namespace {

// The program itself and 512 requests in flight; see DESIGN.md, "Memory".
constexpr std::uint64_t kBesideBodies = 64ull << 20;
// Of 1,024 CPUs each.
constexpr std::size_t kMaxCpuSets = 64;

std::uint64_t NumberIn(const s3::Environment& environment, const char* name) {
  const auto text = environment(name).value_or("");
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number < (1u << 30) ? number : 0;
}

// "4(x3),2": the most tasks that a node has.
std::uint64_t TasksPerNode(const s3::Environment& environment) {
  const auto text = environment("SLURM_STEP_TASKS_PER_NODE").value_or("");
  std::uint64_t most = 1;
  for (std::size_t at = 0; at < text.size(); at = text.find(',', at) + 1) {
    std::uint64_t tasks = 0;
    std::from_chars(text.data() + at, text.data() + text.size(), tasks);
    most = std::max(most, tasks);
    if (text.find(',', at) == std::string::npos) break;
  }
  return most;
}

int CpusInAffinityMask() {
  for (std::size_t sets = 1; sets <= kMaxCpuSets; sets *= 2) {
    std::vector<cpu_set_t> mask(sets);
    const auto bytes = sets * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
    if (errno != EINVAL) break;  // else the kernel's mask is longer
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

ResourceLimits SchedulerLimits(const s3::Environment& environment) {
  ResourceLimits allotment;
  const auto cpus = NumberIn(environment, "SLURM_CPUS_PER_TASK");
  allotment.cpus = static_cast<int>(cpus);
  auto mib = NumberIn(environment, "SLURM_MEM_PER_NODE") / TasksPerNode(environment);
  if (mib == 0) mib = NumberIn(environment, "SLURM_MEM_PER_CPU") * std::max<std::uint64_t>(cpus, 1);
  allotment.memory_bytes = mib << 20;
  return allotment;
}

ResourceLimits KernelLimits() {
  const auto limits = ReadCgroupLimits();
  const auto quota = static_cast<int>(std::ceil(std::min(limits.cpus, 1e6)));
  return {.cpus = Stricter(CpusInAffinityMask(), quota), .memory_bytes = limits.memory_bytes};
}

ResourceLimits Min(const ResourceLimits& one, const ResourceLimits& other) {
  return {.cpus = Stricter(one.cpus, other.cpus),
          .memory_bytes = Stricter(one.memory_bytes, other.memory_bytes)};
}

void ApplyTo(const ResourceLimits& allotment, UploadOptions* options) {
  if (options->threads == 0) options->threads = allotment.cpus;
  if (allotment.memory_bytes == 0) return;
  const auto all = allotment.memory_bytes;
  options->memory_bytes =
      std::min(options->memory_bytes, all > 2 * kBesideBodies ? all - kBesideBodies : all / 2);
}

int CoresOf(const UploadOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1, KernelLimits().cpus);
}

}  // namespace pipeline
