#include "pipeline/graph/workers/worker_scaler.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace worker_scaler_test {

using namespace std::chrono_literals;

class WorkerScalerTest : public testing::Test {
 protected:
  std::optional<int> Sample() {
    const auto sample = load.Sample(now);
    return sample ? scaler.Update(*sample) : std::nullopt;
  }
  std::optional<int> SampleAfter(WorkerLoad::Clock::duration time) {
    now += time;
    return Sample();
  }
  // Works for `time`. In each millisecond, runs `tasks` tasks at once, for 25 microseconds each, again and
  // again. Runs nothing for the last `idle` of the millisecond, and then samples the load.
  void Work(int tasks, std::chrono::milliseconds time, std::chrono::microseconds idle = 0us) {
    for (auto left = time; left > 0ms; left -= 1ms) {
      for (auto busy = 1ms - idle; busy > 0us; busy -= 25us) {
        for (int i = 0; i < tasks; ++i) load.Enter(now);
        now += 25us;
        for (int i = 0; i < tasks; ++i) load.Leave(now);
      }
      now += idle;
      Sample();
    }
  }
  void GrowTo(int workers) {
    while (scaler.allowed() < workers) Work(scaler.allowed(), WorkerScaler::kPeriod);
  }

  WorkerLoad::Clock::time_point now{1h};
  WorkerLoad load{now};
  WorkerScaler scaler{64};
};

TEST_F(WorkerScalerTest, StartsWithAFew) {
  EXPECT_EQ(scaler.allowed(), WorkerScaler::kMin);
  EXPECT_EQ(WorkerScaler(1).allowed(), 1);
}

TEST_F(WorkerScalerTest, AddsWorkersWhileAllAreBusy) {
  std::vector<int> seen;
  for (int i = 0; i < 10; ++i) {
    Work(scaler.allowed(), WorkerScaler::kPeriod, 100us);
    seen.push_back(scaler.allowed());
  }
  EXPECT_EQ(seen, (std::vector{3, 4, 6, 9, 13, 19, 28, 42, 63, 64}));
}

TEST_F(WorkerScalerTest, KeepsTheNumberWhileTheyAreNotFull) {
  Work(WorkerScaler::kMin, 100 * WorkerScaler::kPeriod, 200us);
  EXPECT_EQ(scaler.allowed(), WorkerScaler::kMin);
}

TEST_F(WorkerScalerTest, AllowsAllWorkersForLongTasks) {
  for (int i = 0; i < WorkerScaler::kMin; ++i) load.Enter(now);
  EXPECT_EQ(SampleAfter(WorkerLoad::kInterval), std::nullopt);
  EXPECT_EQ(SampleAfter(WorkerLoad::kInterval), 64) << "before they end";
}

TEST_F(WorkerScalerTest, TakesWorkersBackWhenTasksAreShortAgain) {
  for (int i = 0; i < WorkerScaler::kMin; ++i) load.Enter(now);
  for (int sample = 0; sample < 2; ++sample) SampleAfter(WorkerLoad::kInterval);
  for (int i = 0; i < WorkerScaler::kMin; ++i) load.Leave(now);
  ASSERT_EQ(scaler.allowed(), 64);
  EXPECT_EQ(SampleAfter(WorkerLoad::kInterval), std::nullopt) << "nothing runs";
  Work(1, WorkerLoad::kInterval);
  EXPECT_EQ(scaler.allowed(), WorkerScaler::kMin);
}

TEST_F(WorkerScalerTest, KeepsAllWorkersForLongTasksEvenIfTheyAreNotFull) {
  for (int i = 0; i < 100; ++i) {
    for (int task = 0; task < WorkerScaler::kMin; ++task) load.Enter(now);
    SampleAfter(WorkerLoad::kInterval);
    for (int task = 0; task < WorkerScaler::kMin; ++task) load.Leave(now);
    ASSERT_EQ(scaler.allowed(), i == 0 ? WorkerScaler::kMin : 64);
  }
}

TEST_F(WorkerScalerTest, AllowsNoMoreWorkersForASingleLongTask) {
  for (int i = 0; i < 100; ++i) {
    load.Enter(now);
    now += WorkerScaler::kPeriod;
    load.Leave(now);
    ASSERT_EQ(Sample(), std::nullopt);
  }
}

// Threads read the clock before they are counted. A sample between the two sees a task that starts in the
// future.
TEST_F(WorkerScalerTest, IgnoresATaskThatStartsInTheFuture) {
  load.Enter(now + WorkerScaler::kPeriod + 1ms);
  EXPECT_EQ(SampleAfter(WorkerScaler::kPeriod), std::nullopt);
  load.Leave(now += 2ms);
  EXPECT_EQ(scaler.allowed(), WorkerScaler::kMin);
}

TEST_F(WorkerScalerTest, WorksWhenTheSumOfTimesOverflows) {
  for (int days = 0; days < 200; ++days) {
    Work(1, WorkerScaler::kPeriod);
    SampleAfter(24h);
  }
  ASSERT_EQ(scaler.allowed(), WorkerScaler::kMin);
  Work(WorkerScaler::kMin, WorkerScaler::kPeriod);
  EXPECT_EQ(scaler.allowed(), 3);
}

TEST_F(WorkerScalerTest, RemovesWorkersOnlyAfterSomePeriods) {
  GrowTo(9);
  Work(1, (WorkerScaler::kPatience - 1) * WorkerScaler::kPeriod);
  EXPECT_EQ(scaler.allowed(), 9);
  Work(1, 2 * WorkerScaler::kPatience * WorkerScaler::kPeriod);
  EXPECT_EQ(scaler.allowed(), WorkerScaler::kMin);
}

TEST_F(WorkerScalerTest, KeepsWorkersBetweenBursts) {
  GrowTo(8);
  for (int i = 0; i < 20; ++i) {
    Work(5, WorkerScaler::kPeriod);
    Work(0, 4 * WorkerScaler::kPeriod);
  }
  EXPECT_GT(scaler.allowed(), 5);
}

TEST_F(WorkerScalerTest, StaysBetweenTheMinimumAndTheMaximum) {
  Work(0, 1s);
  EXPECT_EQ(scaler.allowed(), WorkerScaler::kMin);
  WorkerScaler one(1);
  for (int i = 0; i < 100; ++i) one.Update({.length = WorkerScaler::kPeriod});
  EXPECT_EQ(one.allowed(), 1);
}

}  // namespace worker_scaler_test
}  // namespace pipeline
