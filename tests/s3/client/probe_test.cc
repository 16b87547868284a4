// The comparison of clocks. tests/e2e/probe_test.py tests the probe itself against servers.
#include "s3/client/probe.h"

#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace s3 {
namespace probe_test {

using namespace std::chrono_literals;
using Time = ClockComparison::Time;

// The time by our clock. It is not a whole second, because Date headers are rounded down.
constexpr Time kNow{1'000'000s + 700ms};

Time DateAt(Time written, std::chrono::milliseconds offset) {
  return std::chrono::floor<std::chrono::seconds>(written + offset);
}

TEST(ClockComparisonTest, HasNoOffsetBeforeTheFirstDate) { EXPECT_FALSE(ClockComparison().offset()); }

TEST(ClockComparisonTest, ASlowResponseDoesNotLookLikeAnotherClock) {
  for (const auto before : {0ms, 2ms, 1500ms}) {
    for (const auto after : {0ms, 2ms, 1500ms, 10'000ms}) {
      ClockComparison clocks;
      clocks.Add(DateAt(kNow, 0ms), kNow - before, kNow + after);
      EXPECT_EQ(clocks.offset(), 0s) << before.count() << " " << after.count();
    }
  }
}

TEST(ClockComparisonTest, AnotherClockIsDetected) {
  auto random = test::SeededRandom();
  const auto up_to = [&](int max) {
    return std::chrono::milliseconds(random() % static_cast<unsigned>(max));
  };
  for (const auto offset : {-86'400'000ms, -10'000ms, -2500ms, 2500ms, 10'000ms, 86'400'000ms}) {
    ClockComparison clocks;
    auto now = kNow;
    for (int i = 0; i < 5; ++i) {
      const auto sent = now;
      now += up_to(20);
      const auto date = DateAt(now, offset);
      now += up_to(20);
      clocks.Add(date, sent, now);
    }
    ASSERT_TRUE(clocks.offset());
    EXPECT_NE(clocks.offset(), 0s);
    EXPECT_LE(std::chrono::abs(*clocks.offset() - offset), 1100ms);
  }
}

}  // namespace probe_test
}  // namespace s3
