#include "pipeline/runtime/cgroup.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

namespace pipeline {
namespace {

std::string ReadGroupFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Returns the number at the start of `text`. Returns nothing if `text` starts with no digit, like "max" or
// "-1".
std::optional<std::uint64_t> NumberIn(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = end == text.data() + text.size() || *end == '\n' || *end == ' ';
  return error == std::errc() && whole ? std::optional(number) : std::nullopt;
}

void LimitCpus(std::string_view quota, std::string_view period, CgroupLimits* limits) {
  const auto quota_us = NumberIn(quota), period_us = NumberIn(period);
  if (!quota_us || !period_us || *period_us == 0) return;
  const double cpus = static_cast<double>(*quota_us) / static_cast<double>(*period_us);
  limits->cpus = StricterLimit(limits->cpus, cpus);
}

void LimitMemory(std::string_view text, CgroupLimits* limits) {
  limits->memory_bytes = StricterLimit(limits->memory_bytes, NumberIn(text).value_or(0));
}

// Version 2 has one hierarchy; its line in /proc/self/cgroup is "0::/path".
void LimitOfVersion2(const std::string& group, CgroupLimits* limits) {
  const auto cpu = ReadGroupFile(group + "/cpu.max");  // "QUOTA PERIOD"
  if (const auto space = cpu.find(' '); space != cpu.npos) {
    LimitCpus(std::string_view(cpu).substr(0, space), std::string_view(cpu).substr(space + 1), limits);
  }
  for (const char* file : {"/memory.max", "/memory.high"}) LimitMemory(ReadGroupFile(group + file), limits);
}

void LimitOfVersion1(const std::string& group, std::string_view controller, CgroupLimits* limits) {
  if (controller == "cpu") {
    LimitCpus(ReadGroupFile(group + "/cpu.cfs_quota_us"), ReadGroupFile(group + "/cpu.cfs_period_us"),
              limits);
  } else {
    LimitMemory(ReadGroupFile(group + "/memory.limit_in_bytes"), limits);
  }
}

// Returns the directories of the group and of the groups above it. In a container, `path` may be a path of
// the host. Then only the root of the mount exists in the container, and that root is the container's own
// group.
std::vector<std::string> WithParents(const std::string& mount, std::string_view path) {
  std::vector<std::string> groups;
  while (path.starts_with('/') && path != "/") {
    groups.push_back(mount + std::string(path));
    path = path.substr(0, path.rfind('/'));
  }
  groups.push_back(mount);
  return groups;
}

// `controllers` is a list such as "cpu,cpuacct".
bool Contains(std::string_view controllers, std::string_view name) {
  while (!controllers.empty()) {
    const auto comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == name) return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

}  // namespace

// Each line of `membership` is "HIERARCHY:CONTROLLERS:PATH"; see cgroups(7).
CgroupLimits CgroupLimitsOf(std::string_view membership, const std::string& mounts) {
  CgroupLimits limits;
  while (!membership.empty()) {
    const auto line = membership.substr(0, membership.find('\n'));
    membership.remove_prefix(std::min(line.size() + 1, membership.size()));
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto path = line.substr(second + 1);
    if (controllers.empty()) {
      for (const auto& group : WithParents(mounts, path)) LimitOfVersion2(group, &limits);
    }
    for (const std::string name : {"cpu", "memory"}) {
      if (!Contains(controllers, name)) continue;
      for (const auto& group : WithParents(mounts + "/" + name, path)) LimitOfVersion1(group, name, &limits);
    }
  }
  return limits;
}

CgroupLimits ReadCgroupLimits() {
  return CgroupLimitsOf(ReadGroupFile("/proc/self/cgroup"), "/sys/fs/cgroup");
}

}  // namespace pipeline
