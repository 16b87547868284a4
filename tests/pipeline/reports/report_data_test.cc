#include "pipeline/reports/report_data.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "tests/support/support.h"

namespace pipeline {
namespace report_data_test {

ResultRecord RecordOf(Outcome outcome, std::string_view path, std::uint64_t size_bytes = 0) {
  return {.outcome = outcome, .path = path, .key = path, .size_bytes = size_bytes};
}

ResultDetails FailureOf(const std::string& kind, const std::string& code) {
  ResultDetails details;
  details.kind = kind;
  details.code = code;
  details.message = "message of " + code;
  details.attempts = 5;
  return details;
}

TEST(SlowestObjects, KeepsTheSlowestAndSortsThem) {
  SlowestObjects slowest;
  for (int i = 0; i < 1000; ++i) slowest.Add((i * 7919) % 1000, "f", 1, 1);  // each number below 1000 once
  const auto objects = slowest.Sorted();
  ASSERT_EQ(objects.size(), SlowestObjects::kMax);
  for (std::size_t i = 0; i < objects.size(); ++i)
    EXPECT_EQ(objects[i].seconds, 999.0 - static_cast<double>(i));
}

TEST(DurationHistogram, FindsPercentilesWithinNinePercent) {
  DurationHistogram histogram;
  EXPECT_EQ(histogram.Percentile(0.5), 0);
  for (int i = 1; i <= 1000; ++i) histogram.Add(i * 0.001);
  for (const double share : {0.01, 0.5, 0.9, 0.99}) {
    EXPECT_GE(histogram.Percentile(share), share * 0.9999);
    EXPECT_LE(histogram.Percentile(share), share * 1.0906);
  }
  EXPECT_EQ(histogram.Percentile(1), 1.0);
  EXPECT_EQ(histogram.max(), 1.0);
}

TEST(DurationHistogram, TakesAnyDuration) {
  DurationHistogram histogram;
  for (const double seconds : {0.0, -1.0, 1e-9, 1e300}) histogram.Add(seconds);
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_EQ(histogram.Percentile(0.5), 1e-6) << "the limit of the first bucket";
  EXPECT_EQ(histogram.max(), 1e300);
}

TEST(ReportData, CountsEachResult) {
  auto data = EmptyData({});
  ResultDetails details;
  details.attempts = 3;
  details.seconds = 2;
  AddResult(RecordOf(Outcome::kUploaded, "a", 5000), details, &data);
  details.attempts = 0;
  details.reason = "a link";
  AddResult(RecordOf(Outcome::kSkipped, "l"), details, &data);
  AddResult(RecordOf(Outcome::kFailed, "x", 10), FailureOf("access_denied", "AccessDenied"), &data);
  AddResult(RecordOf(Outcome::kCancelled, "c", 10), {}, &data);
  const auto& summary = data.summary;
  EXPECT_TRUE(summary.AddsUp());
  EXPECT_EQ(summary.found, 4u);
  EXPECT_EQ(summary.uploaded_bytes, 5000u);
  EXPECT_EQ(summary.retries, 2u + 4u);
  EXPECT_EQ(summary.failures_by_kind.at("access_denied"), 1u);
  EXPECT_EQ(data.attempts, (std::array<std::uint64_t, 6>{0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(data.sizes[2].count, 1u) << data.sizes[2].name;
  EXPECT_EQ(data.skips.at("a link").first_paths.front(), "l");
  const auto& failure = data.failures.begin()->second;
  EXPECT_EQ(failure.first_paths.front(), "x");
  EXPECT_EQ(failure.message, "message of AccessDenied");
}

TEST(ReportData, IsBoundedWhateverTheStoreAnswers) {
  auto data = EmptyData({});
  for (int i = 0; i < 1000; ++i) {
    AddResult(RecordOf(Outcome::kFailed, "p"), FailureOf("permanent", "Code" + std::to_string(i)), &data);
    AddResult(RecordOf(Outcome::kFailed, "p"), FailureOf("permanent", "Same"), &data);
  }
  EXPECT_LE(data.failures.size(), kMaxCauses + 1);
  std::uint64_t sum = 0;
  for (const auto& [cause, details] : data.failures) {
    sum += details.count;
    EXPECT_LE(details.first_paths.size(), CauseDetails::kMaxPaths);
  }
  EXPECT_EQ(sum, 2000u);
}

TEST(ReportData, EverySizeHasItsClass) {
  auto data = EmptyData({});
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4096}, ~std::uint64_t{0}}) {
    AddResult(RecordOf(Outcome::kUploaded, "p", size), {}, &data);
  }
  EXPECT_EQ(data.sizes[0].count, 1u);
  EXPECT_EQ(data.sizes[1].count, 1u);
  EXPECT_EQ(data.sizes[2].count, 1u);
  EXPECT_EQ(data.sizes[8].count, 1u);
}

class CollectDataTest : public testing::Test {
 protected:
  // A run of two sessions, each of which has uploaded one file of `size_bytes`, the second in 10 s.
  ReportScope TwoSessions(std::uint64_t size_bytes) {
    const auto result_of = [size_bytes](const std::string& path) {
      ObjectResult result;
      result.file =
          std::make_shared<InputFile>(InputFile{.path = path, .key = path, .size_bytes = size_bytes});
      result.outcome = Outcome::kUploaded;
      result.size_bytes = size_bytes;
      return ResultLine(result);
    };
    directory_.Write("journal.jsonl", RunLine({.session = 1}) + result_of("a") +
                                          EndLine({kExitStopped, false}) + RunLine({.session = 2}) +
                                          result_of("b") + EndLine({kExitOk, true}));
    RunRecords run{.directory = OwnDir::Open(directory_.path()).value()};
    run.last_session = {.session = 2,
                        .started_s = 1000,
                        .ended_s = 1010,
                        .seconds = 10,
                        .found_before = 1,
                        .uploaded_now = 1,
                        .uploaded_bytes_now = size_bytes};
    return {.runs = {run}};
  }

  const test::TempDir directory_;
};

TEST_F(CollectDataTest, TheRateOfAResumedRunIsThatOfItsLastSession) {
  const auto data = CollectData(TwoSessions(5000)).value();
  EXPECT_EQ(data.summary.uploaded_bytes, 10'000u);
  EXPECT_EQ(data.summary.uploaded_bytes - data.summary.uploaded_bytes_before, 5000u);
  EXPECT_EQ(data.summary.uploaded - data.summary.uploaded_before, 1u);
  EXPECT_EQ(data.summary.seconds.count(), 10);
}

TEST_F(CollectDataTest, WithoutTheSummaryOfTheLastSessionThereIsNoRate) {
  auto scope = TwoSessions(5000);
  scope.runs[0].last_session.session = 1;
  scope.runs[0].last_session.verdict = "of session 1";
  const auto data = CollectData(scope).value();
  EXPECT_EQ(data.summary.seconds.count(), 0);
  EXPECT_EQ(data.summary.uploaded_bytes_before, 0u);
  EXPECT_EQ(data.summary.found_before, 0u);
  EXPECT_EQ(data.scope.runs[0].last_session.verdict, "");
}

TEST_F(CollectDataTest, TextsOfAJournalAreCutOff) {
  directory_.Write(
      "journal.jsonl",
      RunLine({.session = 1,
               .scope = {.stores = {std::string(1 << 20, 's')}, .bucket = std::string(1 << 20, 'b')}}));
  const auto data = CollectData({.runs = {{.directory = OwnDir::Open(directory_.path()).value()}}}).value();
  EXPECT_LE(data.summary.bucket.size(), 8192u);
  EXPECT_LE(data.summary.endpoint.size(), 8192u);
}

}  // namespace report_data_test
}  // namespace pipeline
