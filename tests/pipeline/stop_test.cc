// Tests that StopControl keeps the first cause and stops a run in two steps.
#include "pipeline/stop.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace stop_test {

TEST(StopControlTest, KeepsTheFirstCause) {
  StopControl stop;
  EXPECT_FALSE(stop.cause());
  stop.Drain(StopCause::kTimeLimit, "first");
  stop.Drain(StopCause::kInterrupt, "second");
  EXPECT_EQ(stop.cause(), StopCause::kTimeLimit);
  EXPECT_EQ(stop.message(), "first");
}

TEST(StopControlTest, ADrainIsNoAbort) {
  StopControl stop;
  stop.Drain(StopCause::kInterrupt, "");
  EXPECT_TRUE(stop.drain_token().stop_requested());
  EXPECT_FALSE(stop.abort_token().stop_requested());
  stop.Abort();
  EXPECT_TRUE(stop.abort_token().stop_requested());
}

TEST(StopControlTest, SetsTheCauseBeforeItRequestsTheDrain) {
  StopControl stop;
  std::optional<StopCause> seen;
  const std::stop_callback on_drain(stop.drain_token(), [&] { seen = stop.cause(); });
  stop.Drain(StopCause::kRefused, "");
  EXPECT_EQ(seen, StopCause::kRefused);
}

TEST(StopControlTest, AFailedJournalDrains) {
  StopControl stop;
  DrainOnJournalFailure (&stop)({.kind = s3::ErrorKind::kLocal, .message = "journal.jsonl: disk full"});
  EXPECT_EQ(stop.cause(), StopCause::kJournalFailed);
  EXPECT_EQ(stop.message(), "cannot write the journal: journal.jsonl: disk full");
}

}  // namespace stop_test
}  // namespace pipeline
