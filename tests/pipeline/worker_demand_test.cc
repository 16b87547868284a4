#include "pipeline/worker_demand.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace {

using namespace std::chrono_literals;

class WorkerDemandTest : public testing::Test {
 protected:
  // So many bodies work for `time`, asked every millisecond.
  void Work(int bodies, std::chrono::milliseconds time) {
    for (int i = 0; i < bodies; ++i) demand.Enter(now);
    for (auto left = time; left > 0ms; left -= 1ms) {
      now += 1ms;
      demand.Look(now);
    }
    for (int i = 0; i < bodies; ++i) demand.Leave(now);
  }

  WorkerDemand::Clock::time_point now{1h};
  WorkerDemand demand{64, now};
};

TEST_F(WorkerDemandTest, BeginsWithAFew) {
  EXPECT_EQ(demand.allowed(), WorkerDemand::kFirst);
  EXPECT_EQ(WorkerDemand(1, now).allowed(), 1);
}

TEST_F(WorkerDemandTest, GrowsWhileAllHaveWork) {
  std::vector<int> seen;
  for (int i = 0; i < 8; ++i) {
    Work(demand.allowed(), WorkerDemand::kPeriod);
    seen.push_back(demand.allowed());
  }
  EXPECT_EQ(seen, (std::vector{6, 9, 14, 21, 32, 48, 64, 64}));
}

TEST_F(WorkerDemandTest, BodiesThatHangCountBeforeTheyEnd) {
  for (int i = 0; i < 4; ++i) demand.Enter(now);
  now += 5s;
  EXPECT_EQ(demand.Look(now), 6);
}

// Threads read the clock before they are counted: who looks between the two sees a time that is not yet.
TEST_F(WorkerDemandTest, ABodyAheadOfTheClockIsNoWork) {
  demand.Enter(now + WorkerDemand::kPeriod + 1ms);
  EXPECT_EQ(demand.Look(now += WorkerDemand::kPeriod), std::nullopt);
  demand.Leave(now += 2ms);
  EXPECT_EQ(demand.allowed(), WorkerDemand::kFirst);
}

TEST_F(WorkerDemandTest, TimesMayBeLongerThanTheirSumCanHold) {
  for (int days = 0; days < 200; ++days) {
    Work(1, WorkerDemand::kPeriod);
    demand.Look(now += 24h);
  }
  ASSERT_EQ(demand.allowed(), WorkerDemand::kLeast);
  Work(WorkerDemand::kLeast, WorkerDemand::kPeriod);
  EXPECT_EQ(demand.allowed(), WorkerDemand::kLeast + 1);
}

TEST_F(WorkerDemandTest, FewerOnlyAfterSomeTime) {
  Work(6, 20ms);
  ASSERT_EQ(demand.allowed(), 9);
  Work(1, (WorkerDemand::kPatience - 1) * WorkerDemand::kPeriod);
  EXPECT_EQ(demand.allowed(), 9);
  Work(1, 2 * WorkerDemand::kPatience * WorkerDemand::kPeriod);
  EXPECT_EQ(demand.allowed(), WorkerDemand::kLeast);
}

TEST_F(WorkerDemandTest, ABurstKeepsThemForAWhile) {
  Work(6, 20ms);
  ASSERT_EQ(demand.allowed(), 9);
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
