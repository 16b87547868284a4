// Credentials that may write objects and not read them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/strict_store.h"

namespace s3 {
namespace write_only_key_test {

using namespace test_stores;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(WriteOnlyKeyTest, TagsThatCannotBeReadBackAreNoFailure) {
  for (const int read_status : {403, 405, 501}) {
    for (const int tagging_status : {200, 403, 501}) {
      StrictStoreFixture fixture({.read_status = read_status, .tagging_status = tagging_status});
      fixture.properties.Set("x-amz-tagging", "a=b");
      ASSERT_EQ(ResultText(fixture.UploadMultipart()), "success");
      EXPECT_EQ(ResultText(fixture.upload->EnsureTags(IgnoreRetries)), "success")
          << read_status << " " << tagging_status;
      EXPECT_THAT(fixture.store.requests(), Contains("Tagging"));
    }
  }
  // When the object can be read and has no tags, failing to set them is a failure.
  StrictStoreFixture reads({.tagging_status = 403});
  reads.properties.Set("x-amz-tagging", "a=b");
  ASSERT_EQ(ResultText(reads.UploadMultipart()), "success");
  EXPECT_FALSE(reads.upload->EnsureTags(IgnoreRetries).response);
}

TEST(WriteOnlyKeyTest, AnAbortWorksWithoutListParts) {
  StrictStoreFixture fixture({.read_status = 403});
  MultipartUpload upload(&fixture.client, {"k", &fixture.properties});
  ASSERT_TRUE(upload.Create(IgnoreRetries).response);
  EXPECT_EQ(ResultText(upload.Abort(IgnoreRetries)), "success");
  EXPECT_FALSE(fixture.store.has_upload());
  EXPECT_THAT(fixture.store.requests(), ElementsAre("Create", "Abort", "ListParts", "Abort"));
}

// The completion worked, but its response was lost: the message says that the result is unknown.
TEST(WriteOnlyKeyTest, AnUnknownCompletionIsNeitherASuccessNorAnotherWritersObject) {
  StrictStoreFixture fixture(
      {.read_status = 403,
       .completions = {{503, "SlowDown", true}, {404, "NoSuchUpload", true}, {404, "NoSuchUpload", true}}});
  const auto ended = fixture.UploadMultipart();
  ASSERT_FALSE(ended.response);
  EXPECT_THAT(ended.response.error().message, HasSubstr("cannot check whether the upload became the object"));
  EXPECT_THAT(ended.response.error().message, testing::Not(HasSubstr("did not write")));
}

TEST(WriteOnlyKeyTest, VerificationSaysThatTheObjectWasAcknowledged) {
  StrictStoreFixture fixture({.read_status = 403});
  ASSERT_TRUE(fixture.Put().response);
  const auto verified =
      fixture.client.VerifyObject({"k", &fixture.properties}, kContent.size(), "\"x\"", "", IgnoreRetries);
  EXPECT_THAT(ResultText(verified), HasSubstr("the store acknowledged the object"));
}

}  // namespace write_only_key_test
}  // namespace s3
