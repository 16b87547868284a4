#include "s3/transport/straggler_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/support.h"

namespace s3 {
namespace straggler_detector_test {

using namespace std::chrono_literals;

const StragglerDetector::Clock::time_point kStart{1h};

TEST(StragglerDetectorTest, TheLimitIsFarBeyondThePeersOfThatSize) {
  StragglerDetector detector;
  EXPECT_FALSE(detector.Limit(4096));
  for (int i = 0; i < 10'000; ++i) {
    detector.Answered(4096, std::chrono::milliseconds(100 + i % 100));
    detector.Answered(16 << 20, std::chrono::milliseconds(2000 + i % 1000));
  }
  const auto small = detector.Limit(5000), large = detector.Limit(17 << 20);
  ASSERT_TRUE(small && large);
  EXPECT_GT(*small, 600ms);
  EXPECT_LT(*small, 1000ms);
  EXPECT_GT(*large, 9s);
  EXPECT_LT(*large, 14s);
  EXPECT_FALSE(detector.Limit(1 << 30)) << "a limit without peers of that size";
}

// All detectors together cancel at most kMax + kShare * answered + kPerSecond * seconds requests (with more
// than kMax detectors, one for each detector instead of kMax). The clock's epoch makes no difference.
TEST(StragglerDetectorTest, CancelsNoMoreThanTheShare) {
  for (const int sharers : {1, 2, 8}) {
    std::vector<StragglerDetector> detectors(static_cast<std::size_t>(sharers), StragglerDetector(sharers));
    auto random = test::SeededRandom();
    auto now = StragglerDetector::Clock::time_point(24h * 365 * 50);
    const auto start = now;
    int cancelled = 0, answered = 0;
    while (now - start < 100s) {
      auto& detector = detectors[random() % detectors.size()];
      for (int i = 0; i < 3; ++i) cancelled += detector.TryCancel(now);
      for (int i = 0; i < 5; ++i) detector.Answered(4096, 100ms), ++answered;
      const double seconds = std::chrono::duration<double>(now - start).count();
      ASSERT_LE(cancelled, std::max<double>(StragglerDetector::kMax, sharers) +
                               StragglerDetector::kShare * answered +
                               StragglerDetector::kPerSecond * seconds + 1e-6);
      now += std::chrono::milliseconds(random() % 50);
    }
    EXPECT_GT(cancelled, 100);
  }
  StragglerDetector last;
  EXPECT_FALSE(last.TryCancel(kStart));
  EXPECT_TRUE(last.TryCancel(kStart + 1s)) << "no cancellation, although a second has passed";
}

TEST(StragglerDetectorTest, HasNoLimitWhileConcurrencyRises) {
  StragglerDetector detector;
  detector.InFlight(16);
  for (std::uint64_t i = 0; i < 2 * StragglerDetector::kPeers; ++i) detector.Answered(4096, 10ms);
  EXPECT_TRUE(detector.Limit(4096));
  detector.InFlight(20);
  EXPECT_TRUE(detector.Limit(4096));
  for (std::size_t in_flight = 32; in_flight <= 512; in_flight *= 2) {
    detector.InFlight(in_flight);
    EXPECT_FALSE(detector.Limit(4096)) << in_flight;
    for (std::uint64_t i = 1; i < StragglerDetector::kPeers; ++i) detector.Answered(4096, 10ms * in_flight);
    EXPECT_FALSE(detector.Limit(4096)) << in_flight;
  }
  detector.Answered(4096, 5s);
  detector.InFlight(100);
  detector.InFlight(512);
  EXPECT_TRUE(detector.Limit(4096)) << "no limit, although concurrency no longer rises";
}

}  // namespace straggler_detector_test
}  // namespace s3
