#include "pipeline/graph/worker_scaler.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace {

using namespace std::chrono_literals;

class WorkerDemandTest : public testing::Test {
 protected:
  // So many bodies at a time work for `time`, each for 25 microseconds; nothing works for `idle` of each
  // millisecond, at whose end it is asked.
  void Work(int bodies, std::chrono::milliseconds time, std::chrono::microseconds idle = 0us) {
    for (auto left = time; left > 0ms; left -= 1ms) {
      for (auto busy = 1ms - idle; busy > 0us; busy -= 25us) {
        for (int i = 0; i < bodies; ++i) demand.Enter(now);
        now += 25us;
        for (int i = 0; i < bodies; ++i) demand.Leave(now);
      }
      demand.Look(now += idle);
    }
  }
  void GrowTo(int workers) {
    while (demand.allowed() < workers) Work(demand.allowed(), WorkerScaler::kPeriod);
  }

  WorkerScaler::Clock::time_point now{1h};
  WorkerScaler demand{64, now};
};

TEST_F(WorkerDemandTest, BeginsWithAFew) {
  EXPECT_EQ(demand.allowed(), WorkerScaler::kMin);
  EXPECT_EQ(WorkerScaler(1, now).allowed(), 1);
}

TEST_F(WorkerDemandTest, GrowsWhileAllHaveWork) {
  std::vector<int> seen;
  for (int i = 0; i < 10; ++i) {
    Work(demand.allowed(), WorkerScaler::kPeriod, 100us);
    seen.push_back(demand.allowed());
  }
  EXPECT_EQ(seen, (std::vector{3, 4, 6, 9, 13, 19, 28, 42, 63, 64}));
}

TEST_F(WorkerDemandTest, StaysWhenTheyAreNotFull) {
  Work(WorkerScaler::kMin, 100 * WorkerScaler::kPeriod, 200us);
  EXPECT_EQ(demand.allowed(), WorkerScaler::kMin);
}

TEST_F(WorkerDemandTest, LongBodiesGetAllAtOnce) {
  for (int i = 0; i < WorkerScaler::kMin; ++i) demand.Enter(now);
  EXPECT_EQ(demand.Look(now += WorkerScaler::kGlance), std::nullopt);
  EXPECT_EQ(demand.Look(now += WorkerScaler::kGlance), 64) << "before they end";
}

TEST_F(WorkerDemandTest, ButNoLongerThanTheyAreLong) {
  for (int i = 0; i < WorkerScaler::kMin; ++i) demand.Enter(now);
  for (int glance = 0; glance < 2; ++glance) demand.Look(now += WorkerScaler::kGlance);
  for (int i = 0; i < WorkerScaler::kMin; ++i) demand.Leave(now);
  ASSERT_EQ(demand.allowed(), 64);
  EXPECT_EQ(demand.Look(now += WorkerScaler::kGlance), std::nullopt) << "nobody works";
  Work(1, WorkerScaler::kGlance);
  EXPECT_EQ(demand.allowed(), WorkerScaler::kMin);
}

TEST_F(WorkerDemandTest, LongBodiesKeepThemThoughTheyAreNotFull) {
  for (int i = 0; i < 100; ++i) {
    for (int body = 0; body < WorkerScaler::kMin; ++body) demand.Enter(now);
    demand.Look(now += WorkerScaler::kGlance);
    for (int body = 0; body < WorkerScaler::kMin; ++body) demand.Leave(now);
    ASSERT_EQ(demand.allowed(), i == 0 ? WorkerScaler::kMin : 64);
  }
}

TEST_F(WorkerDemandTest, LongBodiesOfWhichThereIsOneGetNoMore) {
  for (int i = 0; i < 100; ++i) {
    demand.Enter(now);
    now += WorkerScaler::kPeriod;
    demand.Leave(now);
    ASSERT_EQ(demand.Look(now), std::nullopt);
  }
}

// Threads read the clock before they are counted: who looks between the two sees a time that is not yet.
TEST_F(WorkerDemandTest, ABodyAheadOfTheClockIsNoWork) {
  demand.Enter(now + WorkerScaler::kPeriod + 1ms);
  EXPECT_EQ(demand.Look(now += WorkerScaler::kPeriod), std::nullopt);
  demand.Leave(now += 2ms);
  EXPECT_EQ(demand.allowed(), WorkerScaler::kMin);
}

TEST_F(WorkerDemandTest, TimesMayBeLongerThanTheirSumCanHold) {
  for (int days = 0; days < 200; ++days) {
    Work(1, WorkerScaler::kPeriod);
    demand.Look(now += 24h);
  }
  ASSERT_EQ(demand.allowed(), WorkerScaler::kMin);
  Work(WorkerScaler::kMin, WorkerScaler::kPeriod);
  EXPECT_EQ(demand.allowed(), 3);
}

TEST_F(WorkerDemandTest, FewerOnlyAfterSomeTime) {
  GrowTo(9);
  Work(1, (WorkerScaler::kPatience - 1) * WorkerScaler::kPeriod);
  EXPECT_EQ(demand.allowed(), 9);
  Work(1, 2 * WorkerScaler::kPatience * WorkerScaler::kPeriod);
  EXPECT_EQ(demand.allowed(), WorkerScaler::kMin);
}

TEST_F(WorkerDemandTest, ABurstKeepsThemForAWhile) {
  GrowTo(8);
  for (int i = 0; i < 20; ++i) {
    Work(5, WorkerScaler::kPeriod);
    Work(0, 4 * WorkerScaler::kPeriod);
  }
  EXPECT_GT(demand.allowed(), 5);
}

TEST_F(WorkerDemandTest, NeverLessThanTheLeastNorThanThereAre) {
  Work(0, 1s);
  EXPECT_EQ(demand.allowed(), WorkerScaler::kMin);
  WorkerScaler one(1, now);
  for (int i = 0; i < 100; ++i) one.Look(now += WorkerScaler::kPeriod);
  EXPECT_EQ(one.allowed(), 1);
}

}  // namespace
}  // namespace pipeline
