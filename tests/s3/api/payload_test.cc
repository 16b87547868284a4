#include "s3/api/payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/hash/checksum.h"

#include "tests/support/support.h"

namespace s3 {
namespace payload_test {

using testing::ElementsAre;

TEST(Payload, ComputesOnlyTheDigestsThatAreNeeded) {
  const auto unsigned_none =
      MakePayload("abc", {.payload = PayloadMode::kUnsigned, .checksum = ChecksumAlgorithm::kNone});
  EXPECT_EQ(unsigned_none.sha256, "");
  EXPECT_EQ(unsigned_none.checksum, "");
  const auto both = MakePayload("abc", {.checksum = ChecksumAlgorithm::kMd5});
  EXPECT_EQ(both.sha256, Sha256Hex("abc"));
  EXPECT_EQ(both.checksum, Base64Encode(AsBytes(Md5("abc"))));
}

TEST(Payload, PiecesGiveTheDigestsOfTheWhole) {
  const auto text = test::Content(3 * PayloadDigests::kPieceBytes + 17);
  for (const auto checksum : {ChecksumAlgorithm::kMd5, ChecksumAlgorithm::kCrc32c,
                              ChecksumAlgorithm::kCrc64Nvme, ChecksumAlgorithm::kSha256}) {
    PayloadDigests digests({.checksum = checksum});
    digests.Update(std::string_view(text).substr(0, 1));
    digests.Update(std::string_view(text).substr(1));
    const auto in_two = digests.Finish(std::string_view(text));
    const auto whole = MakePayload(text, {.checksum = checksum});
    EXPECT_EQ(in_two.sha256, whole.sha256);
    EXPECT_EQ(in_two.checksum, whole.checksum);
  }
}

TEST(Payload, ATrailerIsNamedInTheHeadAndSentAfterTheLastChunk) {
  const auto payload = MakePayload(
      "abc", {.payload = PayloadMode::kUnsigned, .checksum = ChecksumAlgorithm::kCrc32c, .trailer = true});
  HttpRequest request;
  request.headers = {{"content-encoding", "gzip"}};
  EXPECT_EQ(AttachPayload(payload, &request), "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  EXPECT_EQ(request.headers[0].value, "aws-chunked,gzip");
  const auto framed = FrameChunks(payload, {});
  EXPECT_THAT(framed.pieces, ElementsAre("3\r\n", "abc", "\r\n", "0\r\n",
                                         "x-amz-checksum-crc32c:" + payload.checksum + "\r\n\r\n"));
}

TEST(CompareWithSent, ComparesOnlyETagsThatAreMd5s) {
  const auto payload = MakePayload("abc", {.checksum = ChecksumAlgorithm::kMd5});
  const ObjectProperties none;
  Response response;
  response.etag = '"' + HexEncode(AsBytes(Md5("abc"))) + '"';
  EXPECT_FALSE(CompareWithSent(payload, none, response));
  response.etag = '"' + HexEncode(AsBytes(Md5("abd"))) + '"';
  ASSERT_TRUE(CompareWithSent(payload, none, response));
  EXPECT_EQ(CompareWithSent(payload, none, response)->kind, ErrorKind::kIntegrity);
  ObjectProperties kms;
  kms.Set("x-amz-server-side-encryption", "aws:kms");
  EXPECT_FALSE(CompareWithSent(payload, kms, response)) << "with KMS the ETag is not the MD5";
  response.etag = "\"opaque\"";
  EXPECT_FALSE(CompareWithSent(payload, none, response));
}

}  // namespace payload_test
}  // namespace s3
