// Credentials that may write and not read: nothing is claimed about an object that cannot be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/strict_store.h"

namespace s3 {
namespace {

using test::kStrictStoreBody;
using test::NoRetryIsShown;
using test::OutcomeOf;
using test::StrictStoreClient;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(WriteOnlyKeys, TagsThatCannotBeReadBackAreNoFailure) {
  for (const int read_status : {403, 405, 501}) {
    for (const int tagging_status : {200, 403, 501}) {
      StrictStoreClient made({.read_status = read_status, .tagging_status = tagging_status});
      made.properties.Set("x-amz-tagging", "a=b");
      ASSERT_EQ(OutcomeOf(made.Complete()), "success");
      EXPECT_EQ(OutcomeOf(made.upload->EnsureTags(NoRetryIsShown)), "success")
          << read_status << " " << tagging_status;
      EXPECT_THAT(made.store.requests(), Contains("Tagging"));
    }
  }
  // Tags that can be read back and are missing are set; it is a failure if that is refused.
  StrictStoreClient reads({.tagging_status = 403});
  reads.properties.Set("x-amz-tagging", "a=b");
  ASSERT_EQ(OutcomeOf(reads.Complete()), "success");
  EXPECT_FALSE(reads.upload->EnsureTags(NoRetryIsShown).answer);
}

TEST(WriteOnlyKeys, AnAbortNeedsNoPermissionToList) {
  StrictStoreClient made({.read_status = 403});
  MultipartUpload upload(&made.client, {"k", &made.properties});
  ASSERT_TRUE(upload.Create(NoRetryIsShown).answer);
  EXPECT_EQ(OutcomeOf(upload.Abort(NoRetryIsShown)), "success");
  EXPECT_FALSE(made.store.has_upload());
  EXPECT_THAT(made.store.requests(), ElementsAre("Create", "Abort", "ListParts", "Abort"));
}

// The completion was executed and its response lost. HeadObject is forbidden, so the outcome is unknown.
TEST(WriteOnlyKeys, AnUnclearCompletionIsReportedAsUnknown) {
  StrictStoreClient made(
      {.read_status = 403,
       .completions = {{503, "SlowDown", true}, {404, "NoSuchUpload", true}, {404, "NoSuchUpload", true}}});
  const auto completed = made.Complete();
  ASSERT_FALSE(completed.answer);
  EXPECT_THAT(completed.answer.error().message, HasSubstr("cannot be asked"));
  EXPECT_THAT(completed.answer.error().message, testing::Not(HasSubstr("not ours")));
}

TEST(WriteOnlyKeys, AFailedVerificationSaysThatTheObjectWasAcknowledged) {
  StrictStoreClient made({.read_status = 403});
  ASSERT_TRUE(made.Put().answer);
  const auto verified =
      made.client.VerifyObject({"k", &made.properties}, kStrictStoreBody.size(), "\"x\"", "", NoRetryIsShown);
  EXPECT_THAT(OutcomeOf(verified), HasSubstr("has acknowledged the object"));
}

}  // namespace
}  // namespace s3
