// The estimate of a session's inputs. tests/e2e/status_test.py shows it in a run.
#include "pipeline/run/input_estimate.h"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <new>
#include <thread>

namespace pipeline {
namespace input_estimate_test {

using Stop = std::function<bool()>;
constexpr std::chrono::milliseconds kNow{0};

TEST(InputEstimateTest, LeavesOutWhatEarlierSessionsHaveDone) {
  Progress progress;
  const InputEstimate estimate([](const Stop&) { return Work{100, 4000}; }, {30, 1000}, &progress, kNow);
  while (progress.expected == 0) std::this_thread::yield();
  EXPECT_EQ(progress.expected, 70u);
  EXPECT_EQ(progress.expected_bytes, 3000u);
}

// The count may hang in a file server.
TEST(InputEstimateTest, TheEndOfTheSessionDoesNotWaitForTheCount) {
  auto progress = std::make_unique<Progress>();
  std::promise<void> begun, released;
  std::promise<bool> told_to_stop;
  {
    const InputEstimate estimate(
        [&, release = released.get_future().share()](const Stop& stop) {
          begun.set_value();
          release.wait();
          told_to_stop.set_value(stop());
          return Work{1, 1};
        },
        {}, progress.get(), kNow);
    begun.get_future().wait();
  }
  progress.reset();
  released.set_value();
  EXPECT_TRUE(told_to_stop.get_future().get());
}

TEST(InputEstimateTest, TheEndOfTheWalkStopsTheCount) {
  Progress progress;
  std::promise<void> stopped;
  const InputEstimate estimate(
      [&](const Stop& stop) -> std::optional<Work> {
        progress.all_found = true;
        while (!stop()) std::this_thread::yield();
        stopped.set_value();
        return std::nullopt;
      },
      {}, &progress, kNow);
  stopped.get_future().wait();
  EXPECT_EQ(progress.expected, 0u);
}

TEST(InputEstimateTest, ASessionThatEndsBeforeTheDelayDoesNotCount) {
  Progress progress;
  bool counted = false;
  {
    const InputEstimate estimate(
        [&](const Stop&) {
          counted = true;
          return Work{};
        },
        {}, &progress, std::chrono::hours(1));
  }
  EXPECT_FALSE(counted);
}

TEST(InputEstimateTest, ACountThatFailsLeavesTheSessionWithoutEstimate) {
  Progress progress;
  std::promise<void> begun;
  const InputEstimate estimate(
      [&](const Stop&) -> std::optional<Work> {
        begun.set_value();
        throw std::bad_alloc();
      },
      {}, &progress, kNow);
  begun.get_future().wait();
  EXPECT_EQ(progress.expected, 0u);
}

}  // namespace input_estimate_test
}  // namespace pipeline
