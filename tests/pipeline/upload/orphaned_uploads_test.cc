#include "pipeline/upload/orphaned_uploads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/client/multipart.h"
#include "tests/support/client_fixture.h"

namespace pipeline {
namespace orphaned_uploads_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OrphanedUploadsTest : public testing::Test {
 protected:
  OrphanedUploadsTest() {
    file_.path = "/data/f";
    file_.key = "f";
    Append(RunLine({}));
  }
  void Append(const std::string& line) { ASSERT_TRUE(journal_->Append(line)); }
  s3::Client* client() { return &fixture_->client; }

  // Creates an upload in the store; the journal isn't told. `key` must outlive the upload.
  s3::MultipartUpload CreateUnknown(std::string_view key) {
    s3::MultipartUpload upload(client(), {key, &properties_});
    EXPECT_TRUE(upload.Create(test::IgnoreRetries).response);
    return upload;
  }
  // Creates an upload that the journal has.
  s3::MultipartUpload CreateKnown() {
    auto upload = CreateUnknown("f");
    Append(UploadLine({.token = upload.token(),
                       .path = file_.path,
                       .key = file_.key,
                       .upload_id = upload.upload_id(),
                       .size_bytes = 100,
                       .part_bytes = 10}));
    return upload;
  }
  static std::int64_t Now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  OrphanedUploads AbortAll(bool only_look = false) {
    auto history = Load();
    return AbortOrphanedUploads(client(), std::chrono::seconds(0), &history,
                                only_look ? nullptr : journal_.get());
  }
  History Load() const { return History::Load(directory_.path() + "/journal.jsonl").value(); }
  std::size_t InStore() const { return fixture_->server.CountUploads("bucket"); }

  test::TempDir directory_;
  InputFile file_;
  s3::ObjectProperties properties_;
  std::unique_ptr<Journal> journal_ =
      Journal::Open(OwnDir::Open(directory_.path()).value(), 0, nullptr).value();
  std::optional<test::ClientFixture> fixture_{std::in_place, test::WithBucket()};
};

TEST_F(OrphanedUploadsTest, AKnownUploadIsAbortedAndRecordedAsGone) {
  const auto upload = CreateKnown();
  const auto result = AbortAll();
  EXPECT_EQ(result.aborted, 1u);
  EXPECT_EQ(result.gone, 0u);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(InStore(), 0u);
  EXPECT_THAT(Load().uploads().TakeAll(), IsEmpty());
}

TEST_F(OrphanedUploadsTest, OneThatIsGoneAlreadyIsOnlyRecorded) {
  const auto upload = CreateKnown();
  ASSERT_TRUE(upload.Abort(test::IgnoreRetries).response);
  const auto result = AbortAll();
  EXPECT_EQ(result.aborted, 0u);
  EXPECT_EQ(result.gone, 1u);
  EXPECT_THAT(Load().uploads().TakeAll(), IsEmpty());
}

TEST_F(OrphanedUploadsTest, WithoutAJournalNothingIsChanged) {
  const auto upload = CreateKnown();
  const auto result = AbortAll(true);
  EXPECT_EQ(result.aborted, 1u) << "this one would be";
  EXPECT_EQ(InStore(), 1u);
  EXPECT_EQ(fixture_->server.stats().requests["AbortMultipartUpload"], 0u);
  EXPECT_EQ(Load().uploads().TakeAll().size(), 1u);
}

TEST_F(OrphanedUploadsTest, AnUploadOfALostResponseIsFoundByKeyAndTime) {
  Append(CreatingLine("token", file_, Now()));
  CreateUnknown("f");
  CreateUnknown("f2");
  const auto result = AbortAll();
  EXPECT_EQ(result.aborted, 1u);
  EXPECT_EQ(InStore(), 1u) << "of another key";
  EXPECT_THAT(Load().uploads().creations(), IsEmpty());
}

TEST_F(OrphanedUploadsTest, UploadsOfOthersStay) {
  const auto in_use = CreateUnknown("f");
  ASSERT_TRUE(
      in_use.UploadPart(1, s3::MakePayload("data", client()->integrity()), test::IgnoreRetries).response);
  Append(CreatingLine("with parts", file_, Now()));
  auto later = file_;
  later.key = "later";
  CreateUnknown("later");
  Append(CreatingLine("an hour ago", later, Now() - 3600));
  const auto result = AbortAll();
  EXPECT_EQ(result.aborted, 0u);
  EXPECT_EQ(InStore(), 2u);
  EXPECT_THAT(Load().uploads().creations(), IsEmpty()) << "there is nothing of ours to look for";
}

TEST_F(OrphanedUploadsTest, AnUploadWhosePartsAreUnknownStaysInTheJournal) {
  auto refused = test::FaultOn("ListParts", s3::endpoint::FaultAction::kStatus, 1000);
  refused.status = 403;
  refused.code = "AccessDenied";
  fixture_.emplace(test::WithBucket({refused}));
  Append(CreatingLine("token", file_, Now()));
  CreateUnknown("f");
  const auto result = AbortAll();
  EXPECT_EQ(result.aborted, 0u);
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("f: its multipart upload could not be aborted")));
  EXPECT_EQ(InStore(), 1u);
  EXPECT_EQ(Load().uploads().creations().size(), 1u) << "the next session or clean tries again";
}

TEST_F(OrphanedUploadsTest, AFailureIsAProblemAndStaysInTheJournal) {
  auto refused = test::FaultOn("AbortMultipartUpload", s3::endpoint::FaultAction::kStatus, 1000);
  refused.status = 403;
  refused.code = "AccessDenied";
  fixture_.emplace(test::WithBucket({refused}));
  const auto upload = CreateKnown();
  const auto result = AbortAll();
  EXPECT_EQ(result.aborted, 0u);
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("f: its multipart upload could not be aborted")));
  EXPECT_EQ(Load().uploads().TakeAll().size(), 1u);
}

}  // namespace orphaned_uploads_test
}  // namespace pipeline
