#include "s3/client/latencies.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace s3 {
namespace latencies_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;

TEST(LatencyHistogramTest, KeepsThreeDigitsFromMicrosecondsToHours) {
  for (const auto took :
       {1us, 999us, 1023us, 1024us, 1025us, 4096us, 123'457us, 59'999'999us, 7'200'000'000us}) {
    LatencyHistogram histogram;
    histogram.Record(took);
    histogram.Record(20h);  // so that the maximum does not bound the result
    const auto ms = static_cast<double>(took.count()) / 1e3;
    EXPECT_NEAR(histogram.QuantileMs(0.5), ms, ms / 1000) << took.count();
  }
}

TEST(LatencyHistogramTest, GivesQuantiles) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.Record(i * 1ms);
  EXPECT_EQ(histogram.count(), 1000u);
  EXPECT_NEAR(histogram.QuantileMs(0.5), 500, 1);
  EXPECT_NEAR(histogram.QuantileMs(0.9), 900, 1);
  EXPECT_NEAR(histogram.QuantileMs(0.999), 999, 1);
  EXPECT_NEAR(histogram.QuantileMs(1), 1000, 1);
  EXPECT_EQ(histogram.MaxMs(), 1000);
}

TEST(LatencyHistogramTest, TakesExtremes) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.QuantileMs(0.5), 0);
  histogram.Record(-1s);
  EXPECT_EQ(histogram.QuantileMs(0.5), 0);
  histogram.Record(std::chrono::hours(24 * 365));
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.MaxMs(), 24.0 * 365 * 3600 * 1000);
}

TEST(LatenciesTest, CountsByOperationAndSize) {
  Latencies latencies;
  EXPECT_FALSE(latencies.OfData());
  latencies.Record(RequestKind::kHeadObject, 0, 1ms);
  EXPECT_FALSE(latencies.OfData());
  latencies.Record(RequestKind::kPutObject, 4096, 2ms);
  latencies.Record(RequestKind::kPutObject, 4096, 4ms);
  latencies.Record(RequestKind::kUploadPart, 16 << 20, 8ms);
  latencies.Record(RequestKind::kUploadPart, (16 << 20) + 1, 8ms);
  std::vector<std::string> found;
  for (const auto& stats : latencies.Stats())
    found.push_back(fmt::format("{} {}: {}", stats.operation, stats.size_class, stats.count));
  EXPECT_THAT(found, ElementsAre("PutObject up to 64 KiB: 2", "UploadPart up to 16 MiB: 1",
                                 "UploadPart over 16 MiB: 1", "HeadObject none: 1"));
  EXPECT_EQ(latencies.OfData()->size_class, "up to 64 KiB");
}

TEST(LatenciesTest, ThreadsMayRecordAtTheSameTime) {
  Latencies latencies;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) latencies.Record(RequestKind::kPutObject, 1, 1ms);
      });
    }
  }
  EXPECT_THAT(latencies.Stats(), ElementsAre(Field(&LatencyStats::count, 8000u)));
  EXPECT_EQ(latencies.count(), 8000u);
}

}  // namespace latencies_test
}  // namespace s3
