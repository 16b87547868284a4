#include "pipeline/timing/series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace pipeline {
namespace series_test {

using testing::ElementsAre;
using Change = Series::Change;

SeriesPoint Sample(int second) {
  SeriesPoint sample{.t = static_cast<double>(second), .done = static_cast<std::uint64_t>(10 * second)};
  sample.slot_seconds[s3::SlotState::kCpu] = 1;
  return sample;
}

std::vector<double> Times(const Series& series) {
  std::vector<double> times;
  for (const auto& point : series.points()) times.push_back(point.t);
  return times;
}

TEST(SeriesTest, WritesOneLineForEachPoint) {
  SeriesPoint point{.t = 2.0004, .done = 3, .done_bytes = 4096, .failed = 1, .retries = 2, .in_flight = 64};
  point.slot_seconds[s3::SlotState::kFirstByte] = 60.25;
  point.slot_seconds[s3::SlotState::kCpu] = 3.75;
  point.slot_seconds[s3::SlotState::kMemory] = -0.1;  // a slot that moved during the reading
  EXPECT_EQ(SeriesLine(point),
            R"({"t":2.000,"done":3,"done_bytes":4096,"failed":1,"retries":2,"in_flight":64,)"
            R"("slots":{"cpu":3.750,"first_byte":60.250}})"
            "\n");
  EXPECT_TRUE(SeriesLine({}).starts_with(kSeriesBegin));
}

TEST(SeriesTest, MergesPairsWhenItHasTooManyPoints) {
  Series series(4);
  for (int second = 1; second <= 4; ++second) EXPECT_EQ(series.Add(Sample(second)), Change::kAppended);
  EXPECT_EQ(series.Add(Sample(5)), Change::kMerged);
  EXPECT_THAT(Times(series), ElementsAre(2, 4, 5));
  EXPECT_EQ(series.points()[0].slot_seconds[s3::SlotState::kCpu], 2);
  EXPECT_EQ(series.points()[0].done, 20u) << "the count at the end of the interval";
  EXPECT_EQ(series.Add(Sample(6)), Change::kNone) << "half of a point";
  EXPECT_EQ(series.Add(Sample(7)), Change::kAppended);
  EXPECT_THAT(Times(series), ElementsAre(2, 4, 5, 7));
}

TEST(SeriesTest, LosesNoSlotTime) {
  Series series(10);
  for (int second = 1; second <= 1001; ++second) series.Add(Sample(second));
  series.Finish();
  double sum = 0;
  for (const auto& point : series.points()) sum += point.slot_seconds[s3::SlotState::kCpu];
  EXPECT_EQ(sum, 1001);
  EXPECT_EQ(series.points().back().t, 1001);
  EXPECT_LE(series.points().size(), 10u);
  EXPECT_EQ(series.Finish(), Change::kNone);
}

}  // namespace series_test
}  // namespace pipeline
