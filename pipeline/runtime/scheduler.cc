#include "pipeline/runtime/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

namespace pipeline {
namespace {

constexpr int kMaxShards = 1'000'000;
constexpr std::uint64_t kMaxLimit = 1u << 30;  // a larger number of CPUs or MiB counts as no limit
constexpr std::int64_t kMaxJobSeconds = 10ll * 365 * 24 * 3600;

tl::unexpected<s3::Error> Refuse(std::string message) {
  return s3::Fail(s3::ErrorKind::kUnsupported, "--shard: " + std::move(message));
}

// Returns `text` as a number. Returns nothing if `text` is not a number, or the number is negative or does
// not fit.
template <typename Integer>
std::optional<Integer> NumberOf(std::string_view text) {
  Integer number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<int> NumberIn(const s3::Environment& environment, const char* name) {
  const auto text = environment(name);
  return text ? NumberOf<int>(*text) : std::nullopt;
}

// Returns the limit in the variable; 0 if the variable sets no limit.
std::uint64_t LimitIn(const s3::Environment& environment, const char* name) {
  const auto number = NumberOf<std::uint64_t>(environment(name).value_or(""));
  return number && *number < kMaxLimit ? *number : 0;
}

// The variables of a launcher that starts several processes at once.
struct Launcher {
  const char* rank;
  const char* size;
  const char* only_with;  // another variable that must be set; null: none
};

// Slurm's step comes last: under mpirun in a batch job, every rank inherits the step of the launcher.
constexpr Launcher kLaunchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nullptr},
    {"PMI_RANK", "PMI_SIZE", nullptr},
    {"PMIX_RANK", "SLURM_NTASKS", nullptr},
    {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_STEP_ID"},
};

struct ArrayVariable {
  const char* name;
  int first;  // number of the first element
};
constexpr ArrayVariable kArrays[] = {
    {"SLURM_ARRAY_TASK_ID", 0}, {"PBS_ARRAY_INDEX", 0}, {"PBS_ARRAYID", 0}, {"LSB_JOBINDEX", 1}};

// The numbers of the array elements that were submitted together.
struct SlurmArray {
  int min, max, elements;
};

std::optional<SlurmArray> SlurmArrayIn(const s3::Environment& environment) {
  const auto min = NumberIn(environment, "SLURM_ARRAY_TASK_MIN");
  const auto max = NumberIn(environment, "SLURM_ARRAY_TASK_MAX");
  const auto elements = NumberIn(environment, "SLURM_ARRAY_TASK_COUNT");
  if (!min || !max || !elements) return std::nullopt;
  return SlurmArray{*min, *max, *elements};
}

s3::Result<Shard> ShardOfElement(const ArrayVariable& variable, int id, std::optional<int> count,
                                 const s3::Environment& environment) {
  const bool is_slurm = std::string_view(variable.name) == kArrays[0].name;
  const auto array = is_slurm ? SlurmArrayIn(environment) : std::nullopt;
  if (!count && array && array->min == 0 && array->elements == array->max + 1) count = array->elements;
  if (!count) {
    return Refuse(fmt::format("{}={} does not say how many shards there are in all: give --shard auto/N",
                              variable.name, id));
  }
  // Refuse a whole array that does not start at 0: no element would upload shard 0, and there would be no
  // shard for the last element.
  const bool is_shifted = array && array->elements == *count && array->min != 0;
  const int index = id - variable.first;
  if (is_shifted || index < 0 || index >= *count) {
    return Refuse(fmt::format("{}={} does not fit {} shards: number the elements from {} to {}",
                              variable.name, id, *count, variable.first, *count - 1 + variable.first));
  }
  return Shard{index, *count};
}

s3::Result<Shard> ShardFromEnvironment(std::optional<int> count, const s3::Environment& environment) {
  bool is_single = false;
  for (const auto& launcher : kLaunchers) {
    const auto rank = NumberIn(environment, launcher.rank), size = NumberIn(environment, launcher.size);
    if (!rank || !size) continue;
    if (launcher.only_with != nullptr && !environment(launcher.only_with)) continue;
    if (*size == 1) is_single = true;
    if (*size <= 1) continue;
    if (*rank >= *size || (count && *count != *size)) {
      return Refuse(fmt::format("{}={} and {}={} do not fit {} shards: start as many processes as shards",
                                launcher.rank, *rank, launcher.size, *size, count.value_or(*size)));
    }
    return Shard{*rank, *size};
  }
  for (const auto& variable : kArrays) {
    const auto id = NumberIn(environment, variable.name);
    if (id && *id >= variable.first) return ShardOfElement(variable, *id, count, environment);
  }
  if (!is_single) {
    return Refuse("auto finds no rank and no array element in the environment: give --shard I/N");
  }
  if (count.value_or(1) == 1) return Shard{};
  return Refuse(
      fmt::format("the launcher started one process, but there are {} shards: give --shard I/N", *count));
}

// Returns the largest number of tasks on a node, from a text such as "4(x3),2".
std::uint64_t TasksPerNode(const s3::Environment& environment) {
  const auto text = environment("SLURM_STEP_TASKS_PER_NODE").value_or("");
  std::uint64_t most = 1;
  for (std::size_t begin = 0; begin < text.size();) {
    std::uint64_t tasks = 0;
    std::from_chars(text.data() + begin, text.data() + text.size(), tasks);
    most = std::max(most, tasks);
    const auto comma = text.find(',', begin);
    begin = comma == std::string::npos ? text.size() : comma + 1;
  }
  return most;
}

}  // namespace

s3::Result<Shard> ParseShard(const std::string& text, std::optional<int> planned,
                             const s3::Environment& environment) {
  const auto slash = text.find('/');
  const auto which = text.substr(0, slash);
  auto count = planned;
  if (slash != std::string::npos) {
    const auto number = NumberOf<int>(std::string_view(text).substr(slash + 1));
    if (!number || *number < 1 || *number > kMaxShards) {
      return Refuse(fmt::format("in {}, the number of shards must be from 1 to {}", text, kMaxShards));
    }
    if (planned && *planned != *number) {
      return Refuse(fmt::format("the plan has {} shards, not {}", *planned, *number));
    }
    count = number;
  }
  if (which == "auto") return ShardFromEnvironment(count, environment);
  const auto index = NumberOf<int>(which);
  if (!index || !count) return Refuse(text + " does not have the form I/N, auto or auto/N");
  if (*index >= *count) {
    return Refuse(fmt::format("there is no shard {} of {}: shards have the numbers 0 to {}", *index, *count,
                              *count - 1));
  }
  return Shard{*index, *count};
}

std::map<std::string, std::string> SchedulerFacts(const s3::Environment& environment) {
  std::map<std::string, std::string> facts;
  for (const auto* name : {"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_RESTART_COUNT",
                           "SLURMD_NODENAME", "PBS_JOBID", "LSB_JOBID"}) {
    if (auto value = environment(name)) facts[name] = std::move(*value);
  }
  return facts;
}

ResourceLimits SchedulerLimits(const s3::Environment& environment) {
  const auto cpus = LimitIn(environment, "SLURM_CPUS_PER_TASK");
  auto mib = LimitIn(environment, "SLURM_MEM_PER_NODE") / TasksPerNode(environment);
  if (mib == 0) mib = LimitIn(environment, "SLURM_MEM_PER_CPU") * std::max<std::uint64_t>(cpus, 1);
  return {.cpus = static_cast<int>(cpus), .memory_bytes = mib << 20};
}

std::optional<std::int64_t> SlurmJobEnd(const s3::Environment& environment, std::int64_t now_s,
                                        const std::function<void(std::string_view)>& note) {
  const auto text = environment("SLURM_JOB_END_TIME").value_or("");
  if (text.empty()) return std::nullopt;
  const auto ignore = [&](std::string_view problem) {
    note(
        fmt::format("SLURM_JOB_END_TIME={} {}, so s3flow ignores it: set limits.time to end the run before "
                    "its Slurm job ends",
                    text, problem));
    return std::nullopt;
  };
  std::int64_t end_s = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, end_s);
  if (error != std::errc() || rest != end) return ignore("is not a time in seconds since 1970");
  if (end_s <= now_s) return ignore("has passed");
  if (end_s - now_s > kMaxJobSeconds) return ignore("is more than 10 years away");
  return end_s;
}

std::optional<std::int64_t> SlurmJobEnd(const std::function<void(std::string_view)>& note) {
  return SlurmJobEnd(s3::ProcessEnvironment(), std::time(nullptr), note);
}

}  // namespace pipeline
