// The estimate of the remaining time, on synthetic runs.
#include "pipeline/report/estimator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace pipeline {
namespace estimator_test {

struct File {
  double bytes;
};

// Simulates a run in which each file takes `per_object` seconds and each byte `per_byte` seconds. `speed` is
// a factor of the speed at a time. Returns the largest error of the estimate after the share `from` of the
// run, relative to the remaining time, or to a fifth of the run if less remains.
double WorstError(
    const std::vector<File>& files, double per_object, double per_byte, double from,
    const std::function<double(double)>& speed = [](double) { return 1.0; }) {
  constexpr double kTick = 0.25;
  std::uint64_t total_bytes = 0;
  for (const auto& file : files) total_bytes += static_cast<std::uint64_t>(file.bytes);
  std::vector<Sample> samples{{}};
  double work = 0, bytes = 0;  // work: the seconds of the current file
  std::size_t index = 0;
  for (double now = kTick; index < files.size(); now += kTick) {
    for (double time = kTick * speed(now); time > 0 && index < files.size();) {
      const double all = per_object + per_byte * files[index].bytes;
      const double step = std::min(time, all - work);
      work += step;
      time -= step;
      bytes += files[index].bytes * step / all;
      if (work >= all - 1e-12) {
        ++index;
        work = 0;
      }
    }
    const auto whole = std::min(static_cast<std::uint64_t>(bytes), total_bytes);
    samples.push_back({now, index, whole, whole});
  }
  const double end = samples.back().seconds;
  Estimator estimator;
  double worst = 0;
  for (const auto& sample : samples) {
    estimator.Add(sample);
    if (sample.seconds < from * end || sample.seconds > 0.98 * end) continue;
    const auto left = estimator.SecondsLeft(files.size(), total_bytes);
    EXPECT_TRUE(left);
    const double truth = end - sample.seconds;
    worst = std::max(worst, std::abs(left.value_or(0) - truth) / std::max(truth, 0.2 * end));
  }
  return worst;
}

std::vector<File> Same(int count, double bytes) {
  return std::vector<File>(static_cast<std::size_t>(count), {bytes});
}

std::vector<File> Mixed(int small, int large) {
  auto files = Same(small, 4096);
  const auto more = Same(large, 200e6);
  files.insert(files.end(), more.begin(), more.end());
  std::mt19937 random(1);
  std::shuffle(files.begin(), files.end(), random);
  return files;
}

constexpr double kFrom = 0.25, kAllowed = 0.2;

TEST(EstimatorTest, KnowsNothingBeforeTheFirstBytes) {
  Estimator estimator;
  EXPECT_FALSE(estimator.SecondsLeft(1, 1));
  estimator.Add({});
  estimator.Add({.seconds = 5});
  EXPECT_FALSE(estimator.SecondsLeft(1, 1));
  EXPECT_EQ(estimator.bytes_per_s(), 0);
}

TEST(EstimatorTest, ManySmallFiles) {
  EXPECT_LT(WorstError(Same(100'000, 4096), 1e-3, 1e-9, kFrom), kAllowed);
}

TEST(EstimatorTest, AFewLargeFiles) { EXPECT_LT(WorstError(Same(5, 5e9), 1e-3, 1e-8, kFrom), kAllowed); }

TEST(EstimatorTest, SmallAndLargeFilesInAnyOrder) {
  EXPECT_LT(WorstError(Mixed(50'000, 100), 1e-3, 5e-9, kFrom), kAllowed);
}

// All files so far had 1 MB and took 0.1 s, and those that are left are empty.
TEST(EstimatorTest, IfAllFilesHadOneSizeTheTimeOfAnEmptyFileDecides) {
  const auto left = [](double known) {
    Estimator estimator;
    for (std::uint64_t i = 0; i <= 10; ++i) {
      estimator.Add({.seconds = static_cast<double>(i),
                     .objects = 10 * i,
                     .bytes = i * 10'000'000,
                     .seconds_per_object = known});
    }
    return estimator.SecondsLeft(1100, 100'000'000).value();
  };
  EXPECT_NEAR(left(0), 100, 1) << "without that time, the longer guess";
  EXPECT_NEAR(left(0.01), 10, 1);
  EXPECT_NEAR(left(5), 100, 1) << "no file takes longer than those so far";
}

// 16 slots uploaded files of 16 MB at about 40 MB/s, so that between none and three ended in each half
// second. Those that are left are small: only the time of an empty file tells how long they take.
TEST(EstimatorTest, LargeFilesBeforeSmallOnes) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> speed(15e6, 25e6), until_end(0, 3);
    Estimator estimator;
    Sample sample;
    for (int i = 1; i <= 40; ++i) {
      sample = {.seconds = i * 0.5,
                .objects = sample.objects + static_cast<std::uint64_t>(until_end(random)),
                .bytes = sample.bytes + static_cast<std::uint64_t>(speed(random)),
                .seconds_per_object = 0.003};
      estimator.Add(sample);
    }
    const double left = estimator.SecondsLeft(sample.objects + 4000, sample.bytes + 16'000'000).value_or(0);
    EXPECT_NEAR(left, 12.4, 6) << "seed " << seed;
  }
}

TEST(EstimatorTest, AStoreThatBecomesSlowAndRecovers) {
  const auto speed = [](double now) { return std::fmod(now, 20) < 5 ? 0.3 : 1.0; };
  EXPECT_LT(WorstError(Same(50'000, 4096), 2e-3, 1e-9, kFrom, speed), kAllowed);
}

TEST(EstimatorTest, ARunThatStartsSlowly) {
  const auto speed = [](double now) { return std::min(1.0, 0.1 + now / 10); };
  EXPECT_LT(WorstError(Same(50'000, 4096), 2e-3, 1e-9, kFrom, speed), kAllowed);
}

// All files so far had one size, so nothing tells whether objects or bytes took the time.
TEST(EstimatorTest, BeforeTheFirstLargeFileTheLongerTimeIsShown) {
  std::mt19937 random(3);
  std::uniform_int_distribution<std::uint64_t> some(5, 15);
  Estimator estimator;
  Sample sample;
  for (int i = 1; i <= 100; ++i) {
    const auto more = some(random);
    sample = {i * 0.5, sample.objects + more, sample.bytes + more * 1000, 0};
    estimator.Add(sample);
  }
  const double by_bytes = 100e6 / (static_cast<double>(sample.bytes) / 50);
  EXPECT_GT(estimator.SecondsLeft(sample.objects + 2, sample.bytes + 100'000'000).value_or(0), by_bytes / 2);
}

TEST(EstimatorTest, SizesThatVaryWhileObjectsLimit) {
  std::mt19937 random(2);
  std::lognormal_distribution<double> sizes(8, 2);
  std::vector<File> files;
  for (int i = 0; i < 50'000; ++i) files.push_back({sizes(random)});
  EXPECT_LT(WorstError(files, 2e-3, 1e-10, kFrom), kAllowed);
}

TEST(EstimatorTest, BytesOfRequestsInFlightCountBeforeTheFirstObject) {
  Estimator estimator;
  for (int i = 0; i <= 40; ++i) {
    estimator.Add({.seconds = i * 0.25,
                   .bytes = static_cast<std::uint64_t>(i) * 250,
                   .sent_bytes = static_cast<std::uint64_t>(i) * 250});
  }
  EXPECT_NEAR(estimator.bytes_per_s(), 1000, 1);
  EXPECT_NEAR(estimator.SecondsLeft(5, 20'000).value_or(0), 10, 0.5);
}

TEST(EstimatorTest, TheRateIsOfTheLastSeconds) {
  Estimator estimator;
  for (std::uint64_t i = 0; i <= 100; ++i) {
    estimator.Add(
        {.seconds = static_cast<double>(i), .objects = i, .sent_bytes = std::min<std::uint64_t>(i, 50)});
  }
  EXPECT_NEAR(estimator.objects_per_s(), 1, 0.01);
  EXPECT_EQ(estimator.bytes_per_s(), 0) << "nothing was sent in the last 20 s";
}

Sample At(double seconds, std::uint64_t value) { return {seconds, value, value, value}; }

TEST(EstimatorTest, HasNoRateBeforeTheSecondSample) {
  Estimator estimator;
  EXPECT_EQ(estimator.bytes_per_s(), 0);
  estimator.Add(At(0, 100));
  EXPECT_EQ(estimator.bytes_per_s(), 0);
  EXPECT_EQ(estimator.objects_per_s(), 0);
}

TEST(EstimatorTest, RatesForgetWhatIsOlderThanTheWindow) {
  Estimator estimator;
  double now = 0;
  std::uint64_t value = 0;
  for (int i = 0; i < 30; ++i) estimator.Add(At(now += 2, value += 200));
  EXPECT_DOUBLE_EQ(estimator.bytes_per_s(), 100);
  for (int i = 0; i < 12; ++i) estimator.Add(At(now += 2, value += 20));
  EXPECT_DOUBLE_EQ(estimator.bytes_per_s(), 10);
  EXPECT_DOUBLE_EQ(estimator.objects_per_s(), 10);
}

TEST(EstimatorTest, AfterALongPauseTheRateIsTheAverageOfThePause) {
  Estimator estimator;
  estimator.Add(At(0, 0));
  estimator.Add(At(100, 1000));
  EXPECT_DOUBLE_EQ(estimator.bytes_per_s(), 10);
}

TEST(ExtrapolateTest, InputsThatAreNotFoundYetHaveTheMeanSize) {
  const auto whole = Extrapolate({.inputs = 4, .bytes = 400}, {.inputs = 10});
  EXPECT_EQ(whole.inputs, 10u);
  EXPECT_EQ(whole.bytes, 1000u);
}

TEST(ExtrapolateTest, KnownBytesReplaceTheMean) {
  EXPECT_EQ(Extrapolate({.inputs = 4, .bytes = 400}, {.inputs = 10, .bytes = 450}).bytes, 450u);
  EXPECT_EQ(Extrapolate({.inputs = 4, .bytes = 400}, {.inputs = 10, .bytes = 300}).bytes, 400u);
}

TEST(ExtrapolateTest, NothingThatWasFoundIsTakenAway) {
  EXPECT_EQ(Extrapolate({}, {.inputs = 10, .bytes = 70}).inputs, 10u);
  EXPECT_EQ(Extrapolate({}, {.inputs = 10, .bytes = 70}).bytes, 70u);
  EXPECT_EQ(Extrapolate({.inputs = 4, .bytes = 400}, {}).bytes, 400u);
  EXPECT_EQ(Extrapolate({.inputs = 4, .bytes = 400}, {.inputs = 3}).inputs, 4u);
}

}  // namespace estimator_test
}  // namespace pipeline
