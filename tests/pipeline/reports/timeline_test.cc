#include "pipeline/reports/timeline.h"

#include <gtest/gtest.h>

#include <vector>

#include "pipeline/fs/own_dir.h"
#include "tests/support/support.h"

namespace pipeline {
namespace timeline_test {

class TimelineTest : public testing::Test {
 protected:
  // Adds a run that started at `started_s` and did `per_second` objects in each of `seconds` seconds.
  void AddRun(std::int64_t started_s, int seconds, double per_second) {
    RunRecords run{.directory = OwnDir::Open(directory_.path()).value()};
    run.last_session.started_s = started_s;
    for (int t = 1; t <= seconds; ++t) {
      run.series.push_back({.t_s = static_cast<double>(t),
                            .done = t * per_second,
                            .done_bytes = t * per_second * 10,
                            .in_flight = 4,
                            .slot_seconds = {{"store", 3}, {"source", 1}}});
    }
    runs_.push_back(run);
  }

  const test::TempDir directory_;
  std::vector<RunRecords> runs_;
};

TEST_F(TimelineTest, WithoutSeriesThereIsNoTimeline) {
  AddRun(1000, 0, 0);
  EXPECT_EQ(TimelineOf(runs_).interval_s, 0);
  EXPECT_EQ(TimelineOf({}).seconds(), 0);
}

TEST_F(TimelineTest, RunsAtTheSameTimeAddUp) {
  AddRun(1000, 10, 5);
  AddRun(1005, 10, 7);
  const auto timeline = TimelineOf(runs_);
  ASSERT_EQ(timeline.objects_per_s.size(), 15u);
  EXPECT_DOUBLE_EQ(timeline.objects_per_s[0], 5);
  EXPECT_DOUBLE_EQ(timeline.objects_per_s[7], 12);
  EXPECT_DOUBLE_EQ(timeline.objects_per_s[14], 7);
  EXPECT_DOUBLE_EQ(timeline.in_flight[7], 8);
  EXPECT_DOUBLE_EQ(timeline.slot_shares.at("store")[7], 6);
}

TEST_F(TimelineTest, ALongRunHasLongerIntervalsAndTheSameRates) {
  AddRun(1000, 1000, 3);
  const auto timeline = TimelineOf(runs_);
  EXPECT_EQ(timeline.interval_s, 9);
  EXPECT_LE(timeline.objects_per_s.size(), kTimelineIntervals);
  for (const double rate : timeline.objects_per_s) EXPECT_NEAR(rate, 3, 1e-9);
  for (const double rate : timeline.bytes_per_s) EXPECT_NEAR(rate, 30, 1e-9);
}

TEST_F(TimelineTest, ARestIsPartOfTheLastInterval) {
  AddRun(1000, 3, 4);
  auto& series = runs_[0].series;
  series.push_back({.t_s = 3.25, .done = 13});
  EXPECT_EQ(TimelineOf(runs_).objects_per_s, (std::vector<double>{4, 4, 4}));
}

TEST_F(TimelineTest, CountsThatGoBackAreIgnored) {
  AddRun(1000, 2, 5);
  runs_[0].series[1].done = 1;
  const auto timeline = TimelineOf(runs_);
  EXPECT_EQ(timeline.objects_per_s, (std::vector<double>{5, 0}));
}

}  // namespace timeline_test
}  // namespace pipeline
