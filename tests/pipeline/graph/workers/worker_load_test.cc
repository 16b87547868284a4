#include "pipeline/graph/workers/worker_load.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/support.h"

namespace pipeline {
namespace worker_load_test {

using namespace std::chrono_literals;

const PackedLoad::Clock::time_point kStart{1h};

// The layout as it is drawn in the header.
TEST(PackedLoadTest, HasRunningTasksBelowCompletedTasksBelowTimes) {
  const PackedLoad load(std::uint64_t{5} << 28 | 7 << 12 | 3);
  EXPECT_EQ(load.running(), 3);
  EXPECT_EQ(load.completed(), 7);
  EXPECT_EQ(load.WorkedUntil(PackedLoad::Clock::time_point{}) >> 28, 5u);
  EXPECT_EQ(load.WorkedUntil(PackedLoad::Clock::time_point{10us}) >> 28, 5u + 3 * 10);
  EXPECT_EQ(PackedLoad::StartDelta(PackedLoad::Clock::time_point{}), 1u);
  EXPECT_EQ(PackedLoad::CompleteDelta(PackedLoad::Clock::time_point{9us}),
            (std::uint64_t{9} << 28) + (1 << 12) - 1);
}

TEST(PackedLoadTest, CountsTheTimeOfCompletedAndRunningTasks) {
  std::uint64_t word = 0;
  word += PackedLoad::StartDelta(kStart);
  word += PackedLoad::StartDelta(kStart + 100us);
  word += PackedLoad::CompleteDelta(kStart + 300us);
  const PackedLoad load(word);
  EXPECT_EQ(load.running(), 1);
  EXPECT_EQ(load.completed(), 1);
  EXPECT_DOUBLE_EQ(PackedLoad::SecondsOf(load.WorkedUntil(kStart + 500us)), 700e-6);
  EXPECT_DOUBLE_EQ(
      PackedLoad::SecondsOf(PackedLoad(PackedLoad::StartDelta(kStart)).WorkedUntil(kStart - 5us)), -5e-6)
      << "a task that starts in the future";
}

TEST(PackedLoadTest, AnOverflowOfCompletedTasksAddsAMicrosecond) {
  std::uint64_t word = 0;
  for (int i = 0; i < 65'536; ++i) word += PackedLoad::StartDelta(kStart) + PackedLoad::CompleteDelta(kStart);
  EXPECT_EQ(PackedLoad(word).running(), 0);
  EXPECT_EQ(PackedLoad(word).completed(), 0);
  EXPECT_DOUBLE_EQ(PackedLoad::SecondsOf(PackedLoad(word).WorkedUntil(kStart)), 1e-6);
}

TEST(WorkerLoadTest, SamplesWhatHappenedSinceTheLastSample) {
  WorkerLoad load(kStart);
  EXPECT_FALSE(load.IsDue(kStart + 1ms));
  EXPECT_FALSE(load.Sample(kStart + 1ms));
  load.Enter(kStart);
  load.Enter(kStart + 1ms);
  load.Leave(kStart + 2ms);
  ASSERT_TRUE(load.IsDue(kStart + 4ms));
  auto sample = load.Sample(kStart + 4ms);
  ASSERT_TRUE(sample);
  EXPECT_DOUBLE_EQ(sample->worked_s, 5e-3);
  EXPECT_EQ(sample->completed, 1);
  EXPECT_EQ(sample->length, 4ms);
  load.Leave(kStart + 5ms);
  sample = load.Sample(kStart + 24h);
  EXPECT_DOUBLE_EQ(sample->worked_s, 1e-3);
  EXPECT_EQ(sample->completed, 1);
}

// Differences are right however often counters and times have overflowed.
TEST(WorkerLoadTest, OverflowsDoNotShowInSamples) {
  WorkerLoad load(kStart);
  auto now = kStart;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 10'000; ++i) {
      load.Enter(now);
      load.Leave(now += 1us);
    }
    const auto sample = load.Sample(now += 5h);
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample->completed, 10'000);
    EXPECT_NEAR(sample->worked_s, 10e-3, 2e-6);
  }
}

TEST(WorkerLoadTest, NoTaskOfAnyThreadIsLost) {
  constexpr int kThreads = 4, kTasks = 10'000;
  WorkerLoad load(kStart);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&load] {
      for (int task = 0; task < kTasks; ++task) {
        load.Enter(kStart);
        load.Leave(kStart + 1us);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto sample = load.Sample(kStart + 1s);
  EXPECT_EQ(sample->completed, kThreads * kTasks);
  EXPECT_NEAR(sample->worked_s, kThreads * kTasks * 1e-6, 1e-6);
}

}  // namespace worker_load_test
}  // namespace pipeline
