// Progress as lines of any width.
#include "pipeline/report/progress_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pipeline {
namespace progress_view_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ProgressView Halfway() {
  return {.objects = 60,
          .all_objects = 100,
          .bytes = 512 << 20,
          .all_bytes = 1 << 30,
          .totals = Totals::kExact,
          .objects_per_s = 12,
          .bytes_per_s = 100 << 20,
          .seconds_left = 5.2,
          .in_flight = 64,
          .retries = 1,
          .failed = 2,
          .waits_for = "the store's responses"};
}

TEST(ProgressViewTest, FitsAnyWidth) {
  EXPECT_THAT(
      ProgressLines(Halfway(), 80, 4),
      ElementsAre("50 % | 512.0 MiB of 1.0 GiB | 100.0 MiB/s | 5 s left | 60 of 100 files",
                  "12 files/s | 64 in flight | 2 failed | 1 retry", "waiting for the store's responses"));
  EXPECT_THAT(ProgressLines(Halfway(), 40, 4),
              ElementsAre("50 % | 512.0 MiB of 1.0 GiB [####.....]", "100.0 MiB/s | 5 s left",
                          "60 of 100 files | 12 files/s", "64 in flight | 2 failed | 1 retry"));
  const auto wide = ProgressLines(Halfway(), 120, 4);
  EXPECT_EQ(wide.size(), 2u);
  for (std::size_t width = 1; width < 300; ++width) {
    for (const auto& line : ProgressLines(Halfway(), width, 4))
      EXPECT_LT(line.size(), std::max<std::size_t>(width, 2));
  }
}

TEST(ProgressViewTest, ABarFillsWhatTheFirstLineLeaves) {
  auto view = Halfway();
  view.all_bytes = 10ull << 30;
  view.bytes = 5ull << 30;
  const auto first = ProgressLines(view, 40, 1).front();
  EXPECT_EQ(first.size(), 39u);
  EXPECT_THAT(first, HasSubstr(" GiB [#####....."));
}

TEST(ProgressViewTest, WhileTheWalkGoesOnTotalsAreOnlySoFar) {
  auto view = Halfway();
  view.totals = Totals::kSoFar;
  const auto line = ProgressLine(view);
  EXPECT_THAT(line, HasSubstr("512.0 MiB of 1.0 GiB so far"));
  EXPECT_THAT(line, HasSubstr("60 of 100 files so far"));
  EXPECT_THAT(line, HasSubstr("at least 5 s left"));
}

TEST(ProgressViewTest, EstimatedTotalsAreShownAsAbout) {
  auto view = Halfway();
  view.totals = Totals::kEstimated;
  const auto line = ProgressLine(view);
  EXPECT_THAT(line, HasSubstr("512.0 MiB of about 1.0 GiB |"));
  EXPECT_THAT(line, HasSubstr("60 of about 100 files |"));
  EXPECT_THAT(line, HasSubstr("about 5 s left"));
}

TEST(ProgressViewTest, TheLastLineNamesATaskThatTakesLong) {
  auto view = Halfway();
  view.slowest = SlowTask{.path = "data/a-long-name-of-a-directory/and-a-file.bin", .part = 7, .seconds = 12};
  EXPECT_EQ(ProgressLines(view, 80, 5).back(),
            "slowest: 12 s, part 7: data/a-long-name-of-a-directory/and-a-file.bin");
  EXPECT_EQ(ProgressLines(view, 40, 9).back(), "slowest: 12 s, part 7: ...nd-a-file.bin");
  view.slowest->part = 0;
  EXPECT_THAT(ProgressLines(view, 40, 9).back(), StartsWith("slowest: 12 s: ..."));
  view.slowest->path = "a\x1b[2J\u65e5\xff.bin";
  EXPECT_EQ(ProgressLines(view, 80, 5).back(), "slowest: 12 s: a?[2J??.bin");
  view.slowest->seconds = 1;
  EXPECT_THAT(ProgressLines(view, 80, 5).back(), Not(HasSubstr("slowest")));
  for (std::size_t width = 1; width < 100; ++width) {
    view.slowest->seconds = 12;
    for (const auto& line : ProgressLines(view, width, 5))
      EXPECT_LT(line.size(), std::max<std::size_t>(width, 2));
  }
}

TEST(ProgressViewTest, AFewLargeFilesHaveNoRateOfFiles) {
  auto view = Halfway();
  view.objects = 0;
  view.objects_per_s = 0;
  EXPECT_THAT(ProgressLine(view), Not(HasSubstr("files/s")));
}

TEST(ProgressViewTest, OneLargeFileHasAPercentage) {
  EXPECT_EQ(PercentOf({.objects = 9, .all_objects = 10, .bytes = 1, .all_bytes = 4}), 25);
  EXPECT_EQ(PercentOf({.objects = 0, .all_objects = 1, .bytes = 3, .all_bytes = 4}), 75);
  const ProgressView empty_files_are_left{.objects = 1, .all_objects = 10, .bytes = 3, .all_bytes = 3};
  EXPECT_EQ(PercentOf(empty_files_are_left), 99.9);
  EXPECT_THAT(ProgressLine(empty_files_are_left), HasSubstr("99 %"));
  EXPECT_EQ(PercentOf({}), 100);
}

}  // namespace progress_view_test
}  // namespace pipeline
