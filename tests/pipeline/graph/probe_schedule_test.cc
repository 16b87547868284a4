#include "pipeline/graph/probe_schedule.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace probe_schedule_test {

using namespace std::chrono_literals;

class ProbeScheduleTest : public testing::Test {
 protected:
  // How long the next probe waits.
  std::chrono::milliseconds Wait() const {
    std::chrono::milliseconds wait{0};
    while (!schedule.IsDue(now + wait)) ++wait;
    return wait;
  }

  const ProbeSchedule::Clock::time_point now{1h};
  ProbeSchedule schedule{now};
};

TEST_F(ProbeScheduleTest, DoublesFirst) {
  EXPECT_TRUE(schedule.IsDue(now));
  EXPECT_EQ(schedule.Target(100), 200);
  EXPECT_TRUE(schedule.Pays(150, 100));
  EXPECT_FALSE(schedule.Pays(149, 100));
  schedule.OnKept();
  EXPECT_EQ(schedule.Target(200), 400);
}

TEST_F(ProbeScheduleTest, ALargeStepThatGainsALittleIsFollowedByASmallOneAtOnce) {
  schedule.OnRejected(120, 100, now);
  EXPECT_TRUE(schedule.IsDue(now));
  EXPECT_TRUE(schedule.upward());
  EXPECT_EQ(schedule.Target(100), 125);
  EXPECT_EQ(schedule.Target(5), 7) << "rounded up";
  EXPECT_TRUE(schedule.Pays(105, 100));
  EXPECT_FALSE(schedule.Pays(104, 100));
}

TEST_F(ProbeScheduleTest, ALowerLimitMayLoseNextToNothing) {
  schedule.OnRejected(100, 100, now);
  EXPECT_FALSE(schedule.upward());
  EXPECT_EQ(schedule.Target(100), 80);
  EXPECT_TRUE(schedule.Pays(98, 100));
  EXPECT_FALSE(schedule.Pays(97, 100));
}

TEST_F(ProbeScheduleTest, WaitsLongerAfterEachProbeThatChangesNothing) {
  const std::vector<std::chrono::milliseconds> waits{1500ms, 2250ms,  3375ms,  5062ms,
                                                     7593ms, 11389ms, 15000ms, 15000ms};
  bool upward = true;
  for (const auto wait : waits) {
    schedule.OnRejected(100, 100, now);
    EXPECT_EQ(Wait(), wait);
    upward = !upward;
    EXPECT_EQ(schedule.upward(), upward) << "the other direction is next";
  }
  schedule.OnKept();
  schedule.OnRejected(100, 100, now);
  EXPECT_EQ(Wait(), 1500ms);
}

TEST_F(ProbeScheduleTest, TurnsRoundAtTheEndOfTheRange) {
  schedule.OnNoRoom(now);
  EXPECT_FALSE(schedule.upward());
  EXPECT_EQ(Wait(), ProbeSchedule::kMinWait);
}

TEST_F(ProbeScheduleTest, WaitsLongAfterABackOff) {
  schedule.OnRejected(100, 100, now);
  schedule.OnBackOff(now);
  EXPECT_EQ(Wait(), ProbeSchedule::kMaxWait);
  EXPECT_EQ(schedule.Target(100), 125);
}

}  // namespace probe_schedule_test
}  // namespace pipeline
