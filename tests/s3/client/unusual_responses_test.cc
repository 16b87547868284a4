// Responses of stores that leave out or write differently what S3 sends; and empty objects, whose chunks some
// stores refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/hash/checksum.h"
#include "tests/support/strict_store.h"

namespace s3 {
namespace unusual_responses_test {

using namespace test_stores;

TEST(UnusualResponsesTest, ETagsMayHaveAnyForm) {
  struct Form {
    std::string before, behind;
    bool upper;
  };
  for (const auto& [before, behind, upper] : {Form{"\"", "\"", false},
                                              {"", "", false},
                                              {"W/\"", "\"", false},
                                              {"W/", "", false},
                                              {"\"", "\"", true}}) {
    StrictStoreFixture fixture({.etag_before = before, .etag_behind = behind, .etag_in_upper_case = upper});
    EXPECT_EQ(ResultText(fixture.Put()), "success") << before;
    const auto hex = "\"" + HexEncode(AsBytes(Md5(kContent))) + "\"";
    EXPECT_EQ(ResultText(fixture.client.VerifyObject({"k", &fixture.properties}, kContent.size(), hex, "",
                                                     IgnoreRetries)),
              "success");
    EXPECT_FALSE(
        fixture.client.VerifyObject({"k", &fixture.properties}, kContent.size(), "\"0\"", "", IgnoreRetries)
            .response);
    EXPECT_EQ(ResultText(fixture.UploadMultipart()), "success") << before;
    for (const auto& call : fixture.store.calls())
      EXPECT_EQ(call.body.find("W/"), std::string::npos) << call.body;
    // They are compared: other bytes have another MD5.
    EXPECT_FALSE(fixture.Put("BODY").response);
  }
}

TEST(UnusualResponsesTest, AMissingLengthIsUnknownAndNotZero) {
  for (const bool named : {true, false}) {
    StrictStoreFixture fixture({.names_length = named, .completions = {{503, "SlowDown", true}}});
    EXPECT_EQ(ResultText(fixture.UploadMultipart()), "success") << "the token decides";
    EXPECT_EQ(ResultText(fixture.upload->FindOwnObject(kContent.size(), IgnoreRetries)), "success");
    EXPECT_EQ(fixture.upload->FindOwnObject(kContent.size() + 1, IgnoreRetries).response.has_value(), !named);
    const auto etag = fixture.client.HeadObject({"k", &fixture.properties}, IgnoreRetries).response->etag;
    EXPECT_EQ(ResultText(fixture.client.VerifyObject({"k", &fixture.properties}, kContent.size(), etag, "",
                                                     IgnoreRetries)),
              "success");
    EXPECT_FALSE(
        fixture.client.VerifyObject({"k", &fixture.properties}, kContent.size(), "\"x\"", "", IgnoreRetries)
            .response);
    StoreTraits other{.names_length = named};
    StrictStoreFixture another(other);
    ASSERT_TRUE(another.Put(kContent, "their token").response);
    MultipartUpload ours(&another.client, {"k", &another.properties});
    EXPECT_FALSE(ours.FindOwnObject(kContent.size(), IgnoreRetries).response) << "another writer's";
  }
}

TEST(EmptyObjectTest, IsNeverSentInChunks) {
  using enum PayloadMode;
  struct Mode {
    PayloadMode payload;
    ChecksumAlgorithm checksum;
    bool trailer;
    std::string hash;
  };
  const auto empty = Sha256Hex("");
  for (const auto& [payload, checksum, trailer, hash] :
       {Mode{kStreaming, ChecksumAlgorithm::kNone, false, empty},
        {kStreaming, ChecksumAlgorithm::kMd5, false, empty},
        {kStreaming, ChecksumAlgorithm::kCrc32c, true, empty},
        {kUnsigned, ChecksumAlgorithm::kCrc32c, true, "UNSIGNED-PAYLOAD"},
        {kUnsigned, ChecksumAlgorithm::kCrc64Nvme, true, "UNSIGNED-PAYLOAD"},
        {kSha256, ChecksumAlgorithm::kNone, false, empty}}) {
    StrictStoreFixture fixture({}, {.payload = payload, .checksum = checksum, .trailer = trailer});
    (void)fixture.Put("");
    const auto call = fixture.store.calls().at(0);
    EXPECT_EQ(call.Header("content-encoding"), "");
    EXPECT_EQ(call.Header("x-amz-decoded-content-length"), "");
    EXPECT_EQ(call.Header("x-amz-trailer"), "");
    EXPECT_EQ(call.Header("content-length"), "0");
    EXPECT_EQ(call.Header("x-amz-content-sha256"), hash);
    const std::string name(ChecksumHeader(checksum));
    if (!name.empty()) {
      EXPECT_NE(call.Header(name), "") << "the checksum is a header";
    }
    (void)fixture.Put("x");
    EXPECT_EQ(fixture.store.calls().back().Header("content-encoding"),
              payload == kStreaming || trailer ? "aws-chunked" : "");
  }
}

}  // namespace unusual_responses_test
}  // namespace s3
