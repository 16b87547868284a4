#include "pipeline/runtime/deadlines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <future>
#include <stop_token>

namespace pipeline {
namespace deadlines_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Blocks until a stop of `token` is requested. The tests use limits that pass at once, so this takes no time.
void WaitFor(std::stop_token token) {
  std::promise<void> requested;
  const std::stop_callback<std::function<void()>> on_stop(std::move(token), [&] { requested.set_value(); });
  requested.get_future().wait();
}

TEST(DeadlinesTest, DrainsAtTheTimeLimitAndAbortsAfterTheDrainTime) {
  StopControl stop;
  const Deadlines deadlines({.time = 1ms, .drain = 0ms}, std::nullopt, &stop);
  WaitFor(stop.drain_token());
  EXPECT_EQ(stop.cause(), StopCause::kTimeLimit);
  EXPECT_THAT(stop.message(), HasSubstr("limits.time"));
  WaitFor(stop.abort_token());
}

TEST(DeadlinesTest, DrainsBeforeTheSlurmJobEnds) {
  StopControl stop;
  const std::int64_t end_s = std::time(nullptr) + 100;
  const Deadlines deadlines({.time = 1h, .margin = 200s, .drain = 1h}, end_s, &stop);
  WaitFor(stop.drain_token());
  EXPECT_EQ(stop.cause(), StopCause::kTimeLimit);
  EXPECT_THAT(stop.message(), HasSubstr("Slurm job"));
  EXPECT_FALSE(stop.abort_token().stop_requested());
}

TEST(DeadlinesTest, AbortsADrainThatAnotherCauseBegan) {
  StopControl stop;
  const Deadlines deadlines({.drain = 0ms}, std::nullopt, &stop);
  stop.Drain(StopCause::kInterrupt, "SIGINT");
  WaitFor(stop.abort_token());
  EXPECT_EQ(stop.cause(), StopCause::kInterrupt);
}

TEST(DeadlinesTest, EndsWithoutStoppingTheRun) {
  StopControl stop;
  { const Deadlines deadlines({.time = 1h}, std::time(nullptr) + 7200, &stop); }
  EXPECT_FALSE(stop.drain_token().stop_requested());
}

}  // namespace deadlines_test
}  // namespace pipeline
