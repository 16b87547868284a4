#include "pipeline/shard.h"

#include <fmt/format.h>

#include <charconv>

#include "s3/hash/hash.h"

namespace pipeline {
namespace {

constexpr int kMaxShards = 1'000'000;

tl::unexpected<s3::Error> Refuse(std::string message) {
  return s3::Fail(s3::ErrorKind::kUnsupported, "--shard: " + std::move(message));
}

std::optional<int> Number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<int> NumberIn(const s3::Environment& environment, const char* name) {
  const auto text = environment(name);
  return text ? Number(*text) : std::nullopt;
}

// A process of several that were started together.
struct World {
  const char* rank;
  const char* size;
  const char* only_with;  // null: always
};

// Launchers before Slurm's step: under mpirun in a batch job every rank inherits the step of the launcher.
constexpr World kWorlds[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nullptr},
    {"PMI_RANK", "PMI_SIZE", nullptr},
    {"PMIX_RANK", "SLURM_NTASKS", nullptr},
    {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_STEP_ID"},
};

struct ArrayVariable {
  const char* name;
  int first;
};
constexpr ArrayVariable kArrays[] = {
    {"SLURM_ARRAY_TASK_ID", 0}, {"PBS_ARRAY_INDEX", 0}, {"PBS_ARRAYID", 0}, {"LSB_JOBINDEX", 1}};

s3::Result<Shard> OfElement(const ArrayVariable& array, int id, std::optional<int> count,
                            const s3::Environment& environment) {
  const auto least = NumberIn(environment, "SLURM_ARRAY_TASK_MIN");
  const auto most = NumberIn(environment, "SLURM_ARRAY_TASK_MAX");
  const auto elements = NumberIn(environment, "SLURM_ARRAY_TASK_COUNT");
  const bool slurm = std::string_view(array.name) == kArrays[0].name && least && most && elements;
  if (!count && slurm && *least == 0 && *elements == *most + 1) count = *elements;
  if (!count) {
    return Refuse(
        fmt::format("{}={} does not say how many shards there are in all: --shard auto/N", array.name, id));
  }
  // All of it from another number than 0 would leave a shard out, and every element means another than the
  // one that submitted it thinks.
  const bool shifted = slurm && *elements == *count && *least != 0;
  const int index = id - array.first;
  if (shifted || index < 0 || index >= *count) {
    return Refuse(fmt::format("{}={} is none of {} shards: number the elements from {} to {}", array.name, id,
                              *count, array.first, *count - 1 + array.first));
  }
  return Shard{index, *count};
}

s3::Result<Shard> FromEnvironment(std::optional<int> count, const s3::Environment& environment) {
  bool alone = false;
  for (const auto& world : kWorlds) {
    const auto rank = NumberIn(environment, world.rank), size = NumberIn(environment, world.size);
    if (!rank || !size || (world.only_with != nullptr && !environment(world.only_with))) continue;
    alone = alone || *size == 1;
    if (*size <= 1) continue;
    if (*rank >= *size || (count && *count != *size)) {
      return Refuse(fmt::format("{}={} and {}={} do not fit {} shards: start as many processes as shards",
                                world.rank, *rank, world.size, *size, count.value_or(*size)));
    }
    return Shard{*rank, *size};
  }
  for (const auto& array : kArrays) {
    const auto id = NumberIn(environment, array.name);
    if (id && *id >= array.first) return OfElement(array, *id, count, environment);
  }
  if (alone && count.value_or(1) == 1) return Shard{};
  return Refuse(alone ? fmt::format("one process was started, and there are {} shards", *count)
                      : "auto finds no rank and no array element in the environment: --shard I/N");
}

}  // namespace

bool Shard::Has(std::string_view key) const {
  const auto digest = s3::Sha256(key);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | digest[i];
  return number % static_cast<std::uint64_t>(count) == static_cast<std::uint64_t>(index);
}

std::string Shard::Text() const { return fmt::format("{}/{}", index, count); }

s3::Result<Shard> ParseShard(const std::string& text, std::optional<int> planned,
                             const s3::Environment& environment) {
  const auto slash = text.find('/');
  const auto which = text.substr(0, slash);
  auto count = planned;
  if (slash != std::string::npos) {
    const auto number = Number(std::string_view(text).substr(slash + 1));
    if (!number || *number < 1 || *number > kMaxShards) {
      return Refuse(fmt::format("{} names no number of shards from 1 to {}", text, kMaxShards));
    }
    if (planned && *planned != *number) {
      return Refuse(fmt::format("the plan has {} shards, not {}", *planned, *number));
    }
    count = number;
  }
  if (which == "auto") return FromEnvironment(count, environment);
  const auto index = Number(which);
  if (!index || !count) return Refuse(text + " is neither I/N nor auto nor auto/N");
  if (*index >= *count) {
    return Refuse(fmt::format("{} of {} shards: they are numbered from 0 to {}", *index, *count, *count - 1));
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

std::string RangesText(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[i]);
    if (end > i + 1) text += fmt::format("-{}", numbers[end - 1]);
    i = end;
  }
  return text;
}

}  // namespace pipeline
