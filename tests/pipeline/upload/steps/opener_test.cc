// Tests whole runs in which an object's upload is resumed, or skipped because its key is taken.
#include "pipeline/upload/steps/opener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/run_fixture.h"

namespace pipeline {
namespace opener_test {

using s3::endpoint::FaultAction;
using test::Content;
using test::FaultOn;

class OpenerTest : public test::RunFixture {
 protected:
  OpenerTest() { UseSmallParts(); }
};

TEST_F(OpenerTest, AnUploadOfAStoppedRunIsResumed) {
  for (int i = 0; i < 4; ++i) directory_.Write("data/large" + std::to_string(i), Content(100'000));
  auto slow = FaultOn("UploadPart", FaultAction::kDelay, 1000);
  slow.delay = std::chrono::milliseconds(20);
  Fail(slow);
  StartServer();
  std::thread stopper([this] {
    while (server_->stats().requests["UploadPart"] < 30) std::this_thread::yield();
    stop_.Drain(StopCause::kTerminate, "SIGTERM came");
  });
  const auto run = RunAgainst(test::OptionsFor(*server_));
  stopper.join();
  EXPECT_EQ(run.status, kExitStopped);
  EXPECT_GT(run.summary.cancelled, 0u);
  EXPECT_GT(server_->CountUploads("bucket"), 0u) << "nothing is left to resume";
  const auto parts = server_->stats().requests["UploadPart"];

  StopControl stop;
  const auto again = RunAgainst(test::OptionsFor(*server_), &stop);
  EXPECT_EQ(again.status, kExitOk) << again.message;
  EXPECT_EQ(again.summary.uploaded, 4u);
  EXPECT_GT(again.summary.reused_parts, 0u);
  EXPECT_EQ(server_->stats().requests["UploadPart"], 400) << parts << " of them in the first session";
  ExpectAgreement(again);
}

TEST_F(OpenerTest, ExistingKeysAreSkippedWhenAskedFor) {
  WriteFiles(10);
  directory_.Write("data/large", Content(5000));
  options_.object.properties.Set("if-none-match", "*");
  EXPECT_EQ(Run().summary.uploaded, 11u);
  auto s3_options = test::OptionsFor(*server_);
  options_.report.run_dir = directory_ / "run2";
  directory_.Write("data/new", "x");
  const auto again = RunAgainst(s3_options);
  EXPECT_EQ(again.status, kExitOk);
  EXPECT_EQ(again.summary.skipped, 11u);
  EXPECT_EQ(again.summary.uploaded, 1u);
}

}  // namespace opener_test
}  // namespace pipeline
