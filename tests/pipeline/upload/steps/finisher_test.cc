// Tests whole runs in which uploads fail: what is left in the store, in the journal and in the result.
#include "pipeline/upload/steps/finisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/run_fixture.h"

namespace pipeline {
namespace finisher_test {

using s3::endpoint::FaultAction;
using test::Content;
using test::FaultOn;
using testing::HasSubstr;

class FinisherTest : public test::RunFixture {
 protected:
  FinisherTest() { UseSmallParts(); }
};

TEST_F(FinisherTest, APartThatFailsForGoodFailsTheFileAndLeavesNoUpload) {
  WriteFiles(20);
  directory_.Write("data/large", Content(50'000));
  auto rule = FaultOn("UploadPart", FaultAction::kStatus, 1000);
  rule.first_attempt = 7;
  rule.status = 400;
  rule.code = "InvalidRequest";
  Fail(rule);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitSomeFailed);
  EXPECT_EQ(run.summary.failed, 1u);
  EXPECT_EQ(run.summary.uploaded, 20u);
  ExpectAgreement(run);
  EXPECT_LT(server_->stats().requests["UploadPart"], 50u) << "parts are begun after one has failed";
}

TEST_F(FinisherTest, AnUploadThatCannotBeAbortedIsNamed) {
  directory_.Write("data/large", Content(5000));
  auto fatal = FaultOn("UploadPart", FaultAction::kStatus, 1000);
  fatal.status = 400;
  fatal.code = "InvalidRequest";
  Fail(fatal);
  Fail(FaultOn("AbortMultipartUpload", FaultAction::kStatus, 1000));
  const auto run = Run();
  EXPECT_EQ(run.status, kExitSomeFailed);
  EXPECT_THAT(Journal(run).at(0).at("message").get<std::string>(), HasSubstr("is left in the store"));
}

// The delay of each part gives the writer time to change the file between the first part and the last.
TEST_F(FinisherTest, AFileThatChangesAtEveryAttemptIsGivenUpAsChanged) {
  const auto path = directory_.Write("data/f", Content(5000));
  options_.upload.changed_file_retries = 2;
  auto slow = FaultOn("UploadPart", FaultAction::kDelay, 1000);
  slow.delay = std::chrono::milliseconds(30);
  Fail(slow);
  StartServer();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    while (!done) {
      std::ofstream(path, std::ios::app) << "x";
      std::this_thread::yield();
    }
  });
  const auto run = RunAgainst(test::OptionsFor(*server_));
  done = true;
  writer.join();
  EXPECT_EQ(run.status, kExitSomeFailed);
  EXPECT_EQ(Journal(run).at(0).at("kind"), "changed");
  ExpectAgreement(run);
}

}  // namespace finisher_test
}  // namespace pipeline
