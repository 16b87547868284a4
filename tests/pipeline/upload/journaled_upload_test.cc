#include "pipeline/upload/journaled_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/journal/history.h"
#include "tests/support/client_fixture.h"

namespace pipeline {
namespace journaled_upload_test {

using s3::endpoint::FaultAction;

class JournaledUploadTest : public testing::Test {
 protected:
  JournaledUploadTest() {
    file_.path = "/data/f";
    file_.key = "f";
    file_.size_bytes = 100;
  }
  // Creates an upload in a store with these faults.
  JournaledUpload Create(std::vector<s3::endpoint::FaultRule> faults) {
    fixture_.emplace(test::WithBucket(std::move(faults)));
    const s3::ObjectTarget target{file_.key, &properties_};
    return CreateJournaled(&fixture_->client, target, file_, s3::PlanOfParts(100, 10), 7, journal_.get(),
                           &fixture_->waiter, test::IgnoreRetries);
  }
  // Returns the history that a later session would load.
  History Reload() const { return History::Load(directory_.path() + "/journal.jsonl").value(); }

  test::TempDir directory_;
  InputFile file_;
  s3::ObjectProperties properties_;
  std::unique_ptr<Journal> journal_ =
      Journal::Open(OwnDir::Open(directory_.path()).value(), 0, nullptr).value();
  std::optional<test::ClientFixture> fixture_;

 private:
  void SetUp() override { ASSERT_TRUE(journal_->Append(RunLine({}))); }
};

TEST_F(JournaledUploadTest, TheJournalKnowsTheUpload) {
  const auto created = Create({});
  ASSERT_TRUE(created.upload);
  EXPECT_FALSE(created.error);
  EXPECT_FALSE(created.unrecorded);
  EXPECT_EQ(created.attempts, 1);
  auto history = Reload();
  EXPECT_TRUE(history.uploads().creations().empty());
  const auto open = history.uploads().Take(file_);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->record.upload_id, created.upload->upload_id());
  EXPECT_EQ(open->record.token, created.upload->token());
  EXPECT_EQ(open->record.size_bytes, 100u);
  EXPECT_EQ(open->record.part_bytes, 10u);
  EXPECT_EQ(open->record.mtime_ns, 7);
  EXPECT_TRUE(open->record.created_once);
}

TEST_F(JournaledUploadTest, ARefusedRequestLeavesNothingToLookFor) {
  auto refused = test::FaultOn("CreateMultipartUpload", FaultAction::kStatus, 1000);
  refused.status = 403;
  refused.code = "AccessDenied";
  const auto created = Create({refused});
  EXPECT_FALSE(created.upload);
  ASSERT_TRUE(created.error);
  EXPECT_EQ(created.error->http_status, 403);
  auto history = Reload();
  EXPECT_TRUE(history.uploads().creations().empty());
  EXPECT_TRUE(history.uploads().TakeAll().empty());
}

// A request that was repeated, and failed, may have made an upload each time.
TEST_F(JournaledUploadTest, AFailureWithoutARefusalLeavesACreationToLookFor) {
  const auto created = Create({test::FaultOn("CreateMultipartUpload", FaultAction::kStatus, 1000)});
  EXPECT_FALSE(created.upload);
  EXPECT_GT(created.attempts, 1);
  const auto creations = Reload().uploads().creations();
  ASSERT_EQ(creations.size(), 1u);
  EXPECT_EQ(creations[0].key, "f");
}

TEST_F(JournaledUploadTest, ARepeatedRequestThatSucceedsIsRecordedAsRepeated) {
  const auto created = Create({test::FaultOn("CreateMultipartUpload", FaultAction::kLostResponse, 1)});
  ASSERT_TRUE(created.upload);
  EXPECT_EQ(created.attempts, 2);
  auto history = Reload();
  EXPECT_EQ(history.uploads().creations().size(), 1u) << "the first request has made one, too";
  EXPECT_FALSE(history.uploads().Take(file_)->record.created_once);
}

}  // namespace journaled_upload_test
}  // namespace pipeline
