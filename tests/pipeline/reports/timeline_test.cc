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
    run.argument = static_cast<int>(runs_.size());
    run.last_session.started_s = started_s;
    auto& series = series_.emplace_back();
    for (int t = 1; t <= seconds; ++t) {
      series.push_back({.t_s = static_cast<double>(t),
                        .done = t * per_second,
                        .done_bytes = t * per_second * 10,
                        .in_flight = 4,
                        .slot_seconds = {{"store", 3}, {"source", 1}}});
    }
    runs_.push_back(run);
  }

  Timeline Make() {
    return TimelineOf(
        runs_, [this](const RunRecords& run) { return series_[static_cast<std::size_t>(run.argument)]; });
  }

  const test::TempDir directory_;
  std::vector<RunRecords> runs_;
  std::vector<std::vector<SessionPoint>> series_;  // by RunRecords::argument
};

TEST_F(TimelineTest, WithoutSeriesThereIsNoTimeline) {
  AddRun(1000, 0, 0);
  EXPECT_EQ(Make().interval_s, 0);
  runs_.clear();
  EXPECT_EQ(Make().seconds(), 0);
}

TEST_F(TimelineTest, RunsAtTheSameTimeAddUp) {
  AddRun(1000, 10, 5);
  AddRun(1005, 10, 7);
  const auto timeline = Make();
  ASSERT_EQ(timeline.objects_per_s.size(), 15u);
  EXPECT_DOUBLE_EQ(timeline.objects_per_s[0], 5);
  EXPECT_DOUBLE_EQ(timeline.objects_per_s[7], 12);
  EXPECT_DOUBLE_EQ(timeline.objects_per_s[14], 7);
  EXPECT_DOUBLE_EQ(timeline.in_flight[7], 8);
  EXPECT_DOUBLE_EQ(timeline.slot_shares.at("store")[7], 6);
}

TEST_F(TimelineTest, ALongRunHasLongerIntervalsAndTheSameRates) {
  AddRun(1000, 1000, 3);
  const auto timeline = Make();
  EXPECT_EQ(timeline.interval_s, 9);
  EXPECT_LE(timeline.objects_per_s.size(), kTimelineIntervals);
  for (const double rate : timeline.objects_per_s) EXPECT_NEAR(rate, 3, 1e-9);
  for (const double rate : timeline.bytes_per_s) EXPECT_NEAR(rate, 30, 1e-9);
}

TEST_F(TimelineTest, ARestIsPartOfTheLastInterval) {
  AddRun(1000, 3, 4);
  series_[0].push_back({.t_s = 3.25, .done = 13});
  EXPECT_EQ(Make().objects_per_s, (std::vector<double>{4, 4, 4}));
}

TEST_F(TimelineTest, CountsThatGoBackAreIgnored) {
  AddRun(1000, 2, 5);
  series_[0][1].done = 1;
  const auto timeline = Make();
  EXPECT_EQ(timeline.objects_per_s, (std::vector<double>{5, 0}));
}

TEST_F(TimelineTest, RunsWithoutAStartAreLeftOut) {
  AddRun(0, 10, 100);
  AddRun(1'800'000'000, 10, 5);
  AddRun(-5, 10, 100);
  const auto timeline = Make();
  EXPECT_EQ(timeline.seconds(), 10);
  EXPECT_EQ(timeline.objects_per_s, std::vector<double>(10, 5));
}

TEST_F(TimelineTest, PointsOfARunningRunAfterTheFirstPassAreLeftOut) {
  AddRun(1000, 3, 4);
  int calls = 0;
  const auto timeline = TimelineOf(runs_, [&](const RunRecords&) {
    if (++calls == 2) series_[0].push_back({.t_s = 4, .done = 1000});
    return series_[0];
  });
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(timeline.objects_per_s, (std::vector<double>{4, 4, 4}));
}

TEST_F(TimelineTest, TheNumberOfStatesIsBounded) {
  AddRun(1000, 100, 1);
  for (std::size_t i = 0; i < series_[0].size(); ++i) {
    for (int j = 0; j < 10; ++j)
      series_[0][i].slot_seconds[std::to_string(10 * i) + "." + std::to_string(j)] = 1;
  }
  EXPECT_LE(Make().slot_shares.size(), 64u);
}

}  // namespace timeline_test
}  // namespace pipeline
