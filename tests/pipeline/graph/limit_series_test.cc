#include "pipeline/graph/limit_series.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace limit_series_test {

using namespace std::chrono_literals;

TEST(LimitSeriesTest, HasAPointForEachChange) {
  const LimitSeries::Clock::time_point start{5h};
  LimitSeries series(64, start);
  series.Add(64, start + 1s);
  series.Add(80, start + 1500ms);
  series.Add(80, start + 2s);
  series.Add(40, start + 3s);
  EXPECT_EQ(series.points(), (LimitSeries::Points{{0, 64}, {1.5, 80}, {3, 40}}));
}

TEST(LimitSeriesTest, IsThinnedOutWhenItIsFull) {
  const LimitSeries::Clock::time_point start{};
  LimitSeries series(0, start);
  for (int i = 1; i <= 100'000; ++i) {
    series.Add(i, start + std::chrono::seconds(i));
    ASSERT_LT(series.points().size(), LimitSeries::kMaxPoints);
    ASSERT_EQ(series.points().front(), std::pair(0.0, 0)) << "the start is kept";
  }
  EXPECT_GE(series.points().size(), LimitSeries::kMaxPoints / 2);
  for (const auto& [seconds, limit] : series.points()) EXPECT_EQ(seconds, limit);
}

}  // namespace limit_series_test
}  // namespace pipeline
