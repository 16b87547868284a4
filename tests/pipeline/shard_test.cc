// Which shard of a job a process is, and what it may take of the rates.
#include "pipeline/shard.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "pipeline/plan/running_shards.h"
#include "tests/support/support.h"

namespace pipeline {
namespace {

using testing::HasSubstr;

s3::Environment Variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto value = values.find(name);
    return value == values.end() ? std::nullopt : std::optional(value->second);
  };
}

using Values = std::map<std::string, std::string>;
const Values kRank3Of8OfStep = {{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "8"}};

Values Array(int id, int least, int most, int elements) {
  return {{"SLURM_ARRAY_TASK_ID", std::to_string(id)},
          {"SLURM_ARRAY_TASK_MIN", std::to_string(least)},
          {"SLURM_ARRAY_TASK_MAX", std::to_string(most)},
          {"SLURM_ARRAY_TASK_COUNT", std::to_string(elements)},
          // As in every batch script, which is no step.
          {"SLURM_PROCID", "0"},
          {"SLURM_NTASKS", "1"}};
}

Values With(Values values, const Values& more) {
  values.insert(more.begin(), more.end());
  return values;
}

TEST(ShardTest, IsWhatTheTextOrTheVariablesSay) {
  struct Case {
    std::string text;
    std::optional<int> planned;
    Values variables;
    std::string expected;
  };
  const Values mpi = {{"OMPI_COMM_WORLD_RANK", "5"}, {"OMPI_COMM_WORLD_SIZE", "8"}};
  const Values hydra = {{"PMI_RANK", "2"}, {"PMI_SIZE", "4"}};
  const Values pmix = {{"PMIX_RANK", "6"}, {"SLURM_NTASKS", "8"}};
  const std::vector<Case> cases = {
      {"3/8", {}, {}, "3/8"},
      {"3/8", 8, kRank3Of8OfStep, "3/8"},
      {"auto", {}, kRank3Of8OfStep, "3/8"},
      {"auto/8", {}, kRank3Of8OfStep, "3/8"},
      {"auto", 8, kRank3Of8OfStep, "3/8"},
      // The ranks of mpirun inherit the launcher's step.
      {"auto", {}, With(mpi, {{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}}), "5/8"},
      {"auto", {}, With(mpi, Array(7, 0, 9, 10)), "5/8"},
      {"auto", {}, hydra, "2/4"},
      {"auto", {}, pmix, "6/8"},
      {"auto", {}, Array(3, 0, 7, 8), "3/8"},
      {"auto", 8, Array(3, 0, 7, 8), "3/8"},
      // Some elements again: the array is another, the shard is the same.
      {"auto", 8, Array(5, 3, 5, 2), "5/8"},
      {"auto/8", {}, Array(5, 5, 5, 1), "5/8"},
      // A step of one task in an element of an array.
      {"auto", 8, With({{"SLURM_STEP_ID", "0"}}, Array(3, 0, 7, 8)), "3/8"},
      {"auto/4", {}, {{"PBS_ARRAY_INDEX", "2"}}, "2/4"},
      {"auto/4", {}, {{"LSB_JOBINDEX", "4"}}, "3/4"},
      {"auto", {}, {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}, "0/1"},
  };
  for (const auto& test : cases) {
    const auto shard = ParseShard(test.text, test.planned, Variables(test.variables));
    ASSERT_TRUE(shard) << shard.error().message;
    EXPECT_EQ(shard->Text(), test.expected) << test.text;
  }
}

TEST(ShardTest, WhatIsNoShardIsRefusedByName) {
  struct Case {
    std::string text;
    std::optional<int> planned;
    Values variables;
    std::string said;
  };
  const std::vector<Case> cases = {
      {"8/8", {}, {}, "numbered from 0 to 7"},
      {"-1/8", {}, {}, "neither I/N nor auto"},
      {"3", {}, {}, "neither I/N nor auto"},
      {"3/0", {}, {}, "names no number of shards"},
      {"3/x", {}, {}, "names no number of shards"},
      {"3/8x", {}, {}, "names no number of shards"},
      {"", 8, {}, "neither I/N nor auto"},
      {"3/9", 8, {}, "the plan has 8 shards, not 9"},
      {"auto", {}, {}, "finds no rank"},
      {"auto", 8, {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}, "one process was started"},
      {"auto", 16, kRank3Of8OfStep, "SLURM_PROCID=3 and SLURM_NTASKS=8 do not fit 16 shards"},
      // Ids are not indices: without a plan, only a whole array from 0 says how many there are.
      {"auto", {}, Array(7, 5, 9, 3), "does not say how many"},
      {"auto", {}, Array(3, 3, 3, 1), "does not say how many"},
      {"auto", 8, Array(1, 1, 8, 8), "number the elements from 0 to 7"},
      {"auto", 8, Array(8, 0, 8, 9), "is none of 8 shards"},
      {"auto", {}, {{"PBS_ARRAY_INDEX", "2"}}, "does not say how many"},
      {"auto/4", {}, {{"LSB_JOBINDEX", "5"}}, "number the elements from 1 to 4"},
      // A batch script is no step, whatever its rank.
      {"auto", {}, {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}, "finds no rank"},
  };
  for (const auto& test : cases) {
    const auto shard = ParseShard(test.text, test.planned, Variables(test.variables));
    ASSERT_FALSE(shard) << test.text << " is " << shard->Text();
    EXPECT_THAT(shard.error().message, HasSubstr(test.said));
  }
}

TEST(ShardTest, EachKeyIsInOneShard) {
  std::vector<int> keys(7, 0);
  for (int i = 0; i < 7000; ++i) {
    const auto key = fmt::format("run42/{}", i);
    int owners = 0;
    for (int index = 0; index < 7; ++index) {
      if (!Shard{index, 7}.Has(key)) continue;
      ++owners;
      ++keys[static_cast<std::size_t>(index)];
    }
    EXPECT_EQ(owners, 1) << key;
  }
  for (const int count : keys) EXPECT_NEAR(count, 1000, 150);
  // printf a | sha256sum, its first 16 digits: ca978112ca1bbdca, which is 6 modulo 7.
  EXPECT_TRUE((Shard{static_cast<int>(0xca978112ca1bbdcaull % 7), 7}.Has("a")));
}

TEST(ShardTest, RangesAreNamedShortly) {
  EXPECT_EQ(RangesText({}), "");
  EXPECT_EQ(RangesText({4}), "4");
  EXPECT_EQ(RangesText({0, 3, 4, 5, 7}), "0,3-5,7");
}

TEST(CensusTest, ShardsThatRunShareTheLimits) {
  const test::TempDir plan;
  s3::RateLimits limits, others;
  limits.requests_per_second = 100;
  const RunningShards first(plan.path(), 0, 3, &limits);
  auto other = std::make_unique<RunningShards>(plan.path(), 2, 3, &others);
  EXPECT_EQ(limits.sharers, 3) << "all that there may be, until it has looked";
  while (limits.sharers == 3) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(limits.sharers, 2);
  EXPECT_TRUE(std::filesystem::exists(plan / "running/00002"));
  other.reset();
  EXPECT_FALSE(std::filesystem::exists(plan / "running/00002"));
}

}  // namespace
}  // namespace pipeline
