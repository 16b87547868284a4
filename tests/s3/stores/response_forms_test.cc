// Stores that send ETags in other forms, or no Content-Length.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/strict_store.h"

namespace s3 {
namespace {

using test::kStrictStoreBody;
using test::NoRetryIsShown;
using test::OutcomeOf;
using test::StrictStoreClient;
using test::StrictStoreOptions;

TEST(ResponseForms, EveryFormOfAnETagNamesTheSameObject) {
  struct Form {
    std::string before, after;
    bool upper;
  };
  for (const auto& [before, after, upper] : {Form{"\"", "\"", false},
                                             {"", "", false},
                                             {"W/\"", "\"", false},
                                             {"W/", "", false},
                                             {"\"", "\"", true}}) {
    StrictStoreClient made({.etag_before = before, .etag_after = after, .etag_in_upper_case = upper});
    EXPECT_EQ(OutcomeOf(made.Put()), "success") << before;
    const auto hex = "\"" + HexEncode(AsBytes(Md5(kStrictStoreBody))) + "\"";
    EXPECT_EQ(OutcomeOf(made.client.VerifyObject({"k", &made.properties}, kStrictStoreBody.size(), hex, "",
                                                 NoRetryIsShown)),
              "success");
    EXPECT_FALSE(
        made.client
            .VerifyObject({"k", &made.properties}, kStrictStoreBody.size(), "\"0\"", "", NoRetryIsShown)
            .answer);
    EXPECT_EQ(OutcomeOf(made.Complete()), "success") << before;
    for (const auto& call : made.store.calls())
      EXPECT_EQ(call.body.find("W/"), std::string::npos) << call.body;
    // Proves that the ETag is compared: other bytes have another MD5.
    EXPECT_FALSE(made.Put("BODY").answer);
  }
}

TEST(ResponseForms, AMissingContentLengthIsUnknownAndNotZero) {
  for (const bool named : {true, false}) {
    StrictStoreClient made({.names_length = named, .completions = {{503, "SlowDown", true}}});
    EXPECT_EQ(OutcomeOf(made.Complete()), "success") << "the token decides";
    EXPECT_EQ(OutcomeOf(made.upload->FindOwnObject(kStrictStoreBody.size(), NoRetryIsShown)), "success");
    EXPECT_EQ(made.upload->FindOwnObject(kStrictStoreBody.size() + 1, NoRetryIsShown).answer.has_value(),
              !named);
    const auto etag = made.client.HeadObject({"k", &made.properties}, NoRetryIsShown).answer->etag;
    EXPECT_EQ(OutcomeOf(made.client.VerifyObject({"k", &made.properties}, kStrictStoreBody.size(), etag, "",
                                                 NoRetryIsShown)),
              "success");
    EXPECT_FALSE(
        made.client
            .VerifyObject({"k", &made.properties}, kStrictStoreBody.size(), "\"x\"", "", NoRetryIsShown)
            .answer);
    StrictStoreOptions other{.names_length = named};
    StrictStoreClient another(other);
    ASSERT_TRUE(another.Put(kStrictStoreBody, "their token").answer);
    MultipartUpload ours(&another.client, {"k", &another.properties});
    EXPECT_FALSE(ours.FindOwnObject(kStrictStoreBody.size(), NoRetryIsShown).answer)
        << "the object is another writer's";
  }
}

}  // namespace
}  // namespace s3
