#include "pipeline/worker_demand.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace {

using namespace std::chrono_literals;

class WorkerDemandTest : public testing::Test {
 protected:
  // So many bodies work for `time`, but for `idle` of each millisecond, asked at its end.
  void Work(int bodies, std::chrono::milliseconds time, std::chrono::microseconds idle = 0us) {
    for (auto left = time; left > 0ms; left -= 1ms) {
      for (int i = 0; i < bodies; ++i) demand.Enter(now);
      now += 1ms - idle;
      for (int i = 0; i < bodies; ++i) demand.Leave(now);
      demand.Look(now += idle);
    }
  }

  WorkerDemand::Clock::time_point now{1h};
  WorkerDemand demand{64, now};
};

TEST_F(WorkerDemandTest, BeginsWithAFew) {
  EXPECT_EQ(demand.allowed(), WorkerDemand::kLeast);
  EXPECT_EQ(WorkerDemand(1, now).allowed(), 1);
}

TEST_F(WorkerDemandTest, GrowsWhileAllHaveWork) {
  std::vector<int> seen;
  for (int i = 0; i < 6; ++i) {
    Work(demand.allowed(), WorkerDemand::kShortPeriod);
    seen.push_back(demand.allowed());
  }
  EXPECT_EQ(seen, (std::vector{4, 8, 16, 32, 64, 64}));
}

TEST_F(WorkerDemandTest, GrowsMoreSlowlyWhenTheyAreNearlyFull) {
  std::vector<int> seen;
  for (int i = 0; i < 6; ++i) {
    Work(demand.allowed(), WorkerDemand::kPeriod, 100us);
    seen.push_back(demand.allowed());
  }
  EXPECT_EQ(seen, (std::vector{3, 5, 8, 12, 18, 27}));
}

TEST_F(WorkerDemandTest, StaysWhenTheyAreNot) {
  Work(WorkerDemand::kLeast, 100 * WorkerDemand::kPeriod, 200us);
  EXPECT_EQ(demand.allowed(), WorkerDemand::kLeast);
}

TEST_F(WorkerDemandTest, BodiesThatHangCountBeforeTheyEnd) {
  for (int i = 0; i < WorkerDemand::kLeast; ++i) demand.Enter(now);
  now += 5s;
  EXPECT_EQ(demand.Look(now), 2 * WorkerDemand::kLeast);
}

// Threads read the clock before they are counted: who looks between the two sees a time that is not yet.
TEST_F(WorkerDemandTest, ABodyAheadOfTheClockIsNoWork) {
  demand.Enter(now + WorkerDemand::kPeriod + 1ms);
  EXPECT_EQ(demand.Look(now += WorkerDemand::kPeriod), std::nullopt);
  demand.Leave(now += 2ms);
  EXPECT_EQ(demand.allowed(), WorkerDemand::kLeast);
}

TEST_F(WorkerDemandTest, TimesMayBeLongerThanTheirSumCanHold) {
  for (int days = 0; days < 200; ++days) {
    Work(1, WorkerDemand::kPeriod);
    demand.Look(now += 24h);
  }
  ASSERT_EQ(demand.allowed(), WorkerDemand::kLeast);
  Work(WorkerDemand::kLeast, WorkerDemand::kShortPeriod);
  EXPECT_EQ(demand.allowed(), 2 * WorkerDemand::kLeast);
}

TEST_F(WorkerDemandTest, FewerOnlyAfterSomeTime) {
  Work(2, WorkerDemand::kShortPeriod);
  Work(4, WorkerDemand::kShortPeriod);
  ASSERT_EQ(demand.allowed(), 8);
  Work(1, (WorkerDemand::kPatience - 1) * WorkerDemand::kPeriod);
  EXPECT_EQ(demand.allowed(), 8);
  Work(1, 2 * WorkerDemand::kPatience * WorkerDemand::kPeriod);
  EXPECT_EQ(demand.allowed(), WorkerDemand::kLeast);
}

TEST_F(WorkerDemandTest, ABurstKeepsThemForAWhile) {
  Work(2, WorkerDemand::kShortPeriod);
  Work(4, WorkerDemand::kShortPeriod);
  ASSERT_EQ(demand.allowed(), 8);
  for (int i = 0; i < 20; ++i) {
    Work(5, WorkerDemand::kPeriod);
    Work(0, 4 * WorkerDemand::kPeriod);
  }
  EXPECT_GT(demand.allowed(), 5);
}

TEST_F(WorkerDemandTest, NeverLessThanTheLeastNorThanThereAre) {
  Work(0, 1s);
  EXPECT_EQ(demand.allowed(), WorkerDemand::kLeast);
  WorkerDemand one(1, now);
  for (int i = 0; i < 100; ++i) one.Look(now += WorkerDemand::kPeriod);
  EXPECT_EQ(one.allowed(), 1);
}

}  // namespace
}  // namespace pipeline
