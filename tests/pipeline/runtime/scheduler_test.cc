#include "pipeline/runtime/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pipeline {
namespace scheduler_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

using Values = std::map<std::string, std::string>;

s3::Environment Variables(Values values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto value = values.find(name);
    return value == values.end() ? std::nullopt : std::optional(value->second);
  };
}

const Values kRank3Of8OfStep = {{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "8"}};

Values Array(int id, int min, int max, int elements) {
  return {{"SLURM_ARRAY_TASK_ID", std::to_string(id)},
          {"SLURM_ARRAY_TASK_MIN", std::to_string(min)},
          {"SLURM_ARRAY_TASK_MAX", std::to_string(max)},
          {"SLURM_ARRAY_TASK_COUNT", std::to_string(elements)},
          // Every batch script has these, but no SLURM_STEP_ID.
          {"SLURM_PROCID", "0"},
          {"SLURM_NTASKS", "1"}};
}

Values With(Values values, const Values& more) {
  values.insert(more.begin(), more.end());
  return values;
}

TEST(ParseShardTest, TakesTheShardFromTheTextOrTheVariables) {
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
      // Some elements are submitted again: the array differs, the shard is the same.
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

TEST(ParseShardTest, RefusesWhatNamesNoShard) {
  struct Case {
    std::string text;
    std::optional<int> planned;
    Values variables;
    std::string said;
  };
  const std::vector<Case> cases = {
      {"8/8", {}, {}, "shards have the numbers 0 to 7"},
      {"-1/8", {}, {}, "does not have the form"},
      {"3", {}, {}, "does not have the form"},
      {"3/0", {}, {}, "the number of shards must be from 1"},
      {"3/x", {}, {}, "the number of shards must be from 1"},
      {"3/8x", {}, {}, "the number of shards must be from 1"},
      {"", 8, {}, "does not have the form"},
      {"3/9", 8, {}, "the plan has 8 shards, not 9"},
      {"auto", {}, {}, "finds no rank"},
      {"auto", 8, {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}, "started one process"},
      {"auto", 16, kRank3Of8OfStep, "SLURM_PROCID=3 and SLURM_NTASKS=8 do not fit 16 shards"},
      // Without a plan, only a whole array that starts at 0 says how many shards there are.
      {"auto", {}, Array(7, 5, 9, 3), "does not say how many"},
      {"auto", {}, Array(3, 3, 3, 1), "does not say how many"},
      {"auto", 8, Array(1, 1, 8, 8), "number the elements from 0 to 7"},
      {"auto", 8, Array(8, 0, 8, 9), "SLURM_ARRAY_TASK_ID=8 does not fit 8 shards"},
      {"auto", {}, {{"PBS_ARRAY_INDEX", "2"}}, "does not say how many"},
      {"auto/4", {}, {{"LSB_JOBINDEX", "5"}}, "number the elements from 1 to 4"},
      // A batch script is not a step, although it has a rank.
      {"auto", {}, {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}, "finds no rank"},
  };
  for (const auto& test : cases) {
    const auto shard = ParseShard(test.text, test.planned, Variables(test.variables));
    ASSERT_FALSE(shard) << test.text << " is " << shard->Text();
    EXPECT_THAT(shard.error().message, HasSubstr(test.said));
  }
}

TEST(SchedulerLimitsTest, AreTheTasksShareOfTheJob) {
  const auto of = [](const Values& values) {
    const auto limits = SchedulerLimits(Variables(values));
    return std::pair(limits.cpus, limits.memory_bytes >> 20);
  };
  EXPECT_EQ(of({}), std::pair(0, 0ul));
  EXPECT_EQ(of({{"SLURM_CPUS_PER_TASK", "4"}, {"SLURM_MEM_PER_NODE", "8192"}}), std::pair(4, 8192ul));
  EXPECT_EQ(of({{"SLURM_MEM_PER_NODE", "8192"}, {"SLURM_STEP_TASKS_PER_NODE", "2(x3),4"}}),
            std::pair(0, 2048ul));
  EXPECT_EQ(of({{"SLURM_CPUS_PER_TASK", "4"}, {"SLURM_MEM_PER_CPU", "512"}}), std::pair(4, 2048ul));
  EXPECT_EQ(of({{"SLURM_CPUS_PER_TASK", "x"}, {"SLURM_MEM_PER_NODE", "0"}}), std::pair(0, 0ul));
}

TEST(SchedulerFactsTest, AreTheVariablesThatIdentifyTheProcess) {
  const Values values = {
      {"SLURM_JOB_ID", "17"}, {"SLURMD_NODENAME", "n1"}, {"SLURM_PROCID", "3"}, {"HOME", "/"}};
  EXPECT_THAT(SchedulerFacts(Variables(values)),
              ElementsAre(Pair("SLURMD_NODENAME", "n1"), Pair("SLURM_JOB_ID", "17")));
}

constexpr std::int64_t kNow = 1'800'000'000;

struct JobEnd {
  std::optional<std::string> text;
  std::optional<std::int64_t> end;
  std::string note;  // part of it; empty: none is expected
};

TEST(SlurmJobEndTest, IgnoresATimeThatCannotBeRightAndNotesIt) {
  const JobEnd cases[] = {
      {std::nullopt, std::nullopt, ""},
      {"", std::nullopt, ""},
      {"1800000001", kNow + 1, ""},
      {"1800003600", kNow + 3600, ""},
      {"1800000000", std::nullopt, "has passed"},
      {"1000000000", std::nullopt, "has passed"},
      {"0", std::nullopt, "has passed"},
      {"-1", std::nullopt, "has passed"},
      {"9000000000", std::nullopt, "more than 10 years away"},
      {"9223372036854775807", std::nullopt, "more than 10 years away"},
      {"9223372036854775808", std::nullopt, "is not a time in seconds"},
      {"Unknown", std::nullopt, "is not a time in seconds"},
      {"2027-01-15T08:00:00", std::nullopt, "is not a time in seconds"},
      {" 1800003600", std::nullopt, "is not a time in seconds"},
  };
  for (const auto& [text, end, note] : cases) {
    std::vector<std::string> notes;
    const auto found = SlurmJobEnd(
        [&, text = text](const std::string& name) {
          EXPECT_EQ(name, "SLURM_JOB_END_TIME");
          return text;
        },
        kNow, [&](std::string_view said) { notes.emplace_back(said); });
    EXPECT_EQ(found, end) << text.value_or("none");
    if (note.empty()) {
      EXPECT_THAT(notes, testing::IsEmpty()) << text.value_or("none");
    } else {
      EXPECT_THAT(notes, ElementsAre(HasSubstr(note))) << text.value_or("none");
    }
  }
}

}  // namespace scheduler_test
}  // namespace pipeline
