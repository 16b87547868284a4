#include "pipeline/graph/goodput_meter.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace goodput_meter_test {

using namespace std::chrono_literals;

constexpr int kCirculation = 10;
constexpr auto kMinRound = 100ms;

class GoodputMeterTest : public testing::Test {
 protected:
  bool AddAt(std::chrono::milliseconds time, const Returned& task) {
    return meter.Add(task, kCirculation, kMinRound, start + time);
  }

  const GoodputMeter::Clock::time_point start{1h};
  GoodputMeter meter{start};
};

TEST_F(GoodputMeterTest, LeavesOutTheTasksOfTheLimitBefore) {
  EXPECT_FALSE(AddAt(500ms, {.slots = kCirculation, .bytes = 100 << 20}));
  EXPECT_EQ(meter.returned_slots(), 0) << "the round that counts has just started";
  EXPECT_FALSE(AddAt(550ms, {.slots = kCirculation})) << "shorter than the minimum";
  EXPECT_TRUE(AddAt(1000ms, {.slots = 1}));
  EXPECT_EQ(meter.returned_slots(), kCirculation + 1);
  EXPECT_DOUBLE_EQ(meter.Rate(start + 1000ms), 2 / 0.5);
}

TEST_F(GoodputMeterTest, ARoundLastsUntilEverySlotHasReturned) {
  meter = GoodputMeter::Counting(start);
  EXPECT_FALSE(AddAt(10s, {.slots = kCirculation - 1}));
  EXPECT_TRUE(AddAt(11s, {.slots = 1}));
}

TEST_F(GoodputMeterTest, CountsUndisturbedTasksAndTheirMiB) {
  meter = GoodputMeter::Counting(start);
  AddAt(1s, {.slots = 5, .bytes = 3 << 20});
  AddAt(1s, {.slots = 1, .bytes = 1 << 20, .undisturbed = false});
  AddAt(2s, {.slots = 4, .bytes = 1 << 19});
  EXPECT_DOUBLE_EQ(meter.Rate(start + 2s), (1 + 3 + 1 + 0.5) / 2);
  meter.Restart(start + 2s);
  EXPECT_DOUBLE_EQ(meter.Rate(start + 3s), 0);
  EXPECT_EQ(meter.returned_slots(), 0);
}

}  // namespace goodput_meter_test
}  // namespace pipeline
