#include "pipeline/report/rate_meter.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace rate_meter_test {

using std::chrono::seconds;

TEST(RateMeterTest, HasNoRateBeforeTheSecondValue) {
  RateMeter meter;
  EXPECT_EQ(meter.per_second(), 0);
  meter.Add({}, 100);
  EXPECT_EQ(meter.per_second(), 0);
  meter.Add({}, 200);
  EXPECT_EQ(meter.per_second(), 0) << "no time has passed";
}

TEST(RateMeterTest, ForgetsWhatIsOlderThanTheWindow) {
  RateMeter meter;
  RateMeter::Clock::time_point now{};
  std::uint64_t value = 0;
  for (int i = 0; i < 30; ++i) meter.Add(now += seconds(2), value += 200);
  EXPECT_DOUBLE_EQ(meter.per_second(), 100);
  for (int i = 0; i < 8; ++i) meter.Add(now += seconds(2), value += 20);
  EXPECT_DOUBLE_EQ(meter.per_second(), 10);
}

TEST(RateMeterTest, AfterALongPauseItAveragesOverThePause) {
  RateMeter meter;
  meter.Add({}, 0);
  meter.Add(RateMeter::Clock::time_point(seconds(100)), 1000);
  EXPECT_DOUBLE_EQ(meter.per_second(), 10);
}

}  // namespace rate_meter_test
}  // namespace pipeline
