// Responses with any bytes give a value, an error or nothing, and never a crash. Most useful with sanitizers;
// set S3FLOW_FUZZ_ROUNDS for a long run.
#include <gtest/gtest.h>

#include "s3/api/classify_response.h"
#include "s3/api/payload.h"
#include "s3/api/responses.h"
#include "s3/hash/checksum.h"
#include "tests/support/mutator.h"
#include "tests/support/support.h"

namespace s3 {
namespace hostile_responses_test {

using test::Mutator;
using test::Rounds;

TEST(HostileResponses, OfAnyOperation) {
  const std::vector<std::string> seeds{
      test::ErrorXml("SlowDown"),
      test::ErrorXml("X", "<Region>eu</Region><Token-0>t</Token-0>"),
      "<?xml version='1.0'?><ErrorResponse><Error><Code>c</Code></Error></ErrorResponse>",
      "<Error><Code><![CDATA[x]]></Code><Message>&#x1b;&amp;&lt;&unknown;</Message></Error>",
      "<html><body>proxy</body></html>",
      ""};
  const std::vector<std::string> headers{
      "ETag: \"e\"\r\n",        "Retry-After: 3\r\n",        "x-amz-retry-after: 99999999999999999999\r\n",
      "Content-Length: -1\r\n", "x-amz-bucket-region: \r\n", ":\r\n"};
  Mutator bodies, lines;
  for (int i = 0; i < Rounds(); ++i) {
    auto response = test::Answered(100 + i % 500, {}, bodies.Next(seeds));
    for (int k = 0; k < 3; ++k) response.headers.AppendLine(lines.Next(headers));
    const auto classified = ClassifyResponse(response, true);
    if (!classified) {
      EXPECT_LE(classified.error().message.size(), 700u);
      EXPECT_EQ(classified.error().message.find_first_of("\n\x1b"), std::string::npos);
    } else {
      EXPECT_EQ(response.status / 100, 2);
    }
  }
}

TEST(HostileResponses, OfListingsAndMultipartUploads) {
  const std::vector<std::string> seeds{
      "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>",
      "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag><ChecksumCRC32C>AAAA</ChecksumCRC32C>"
      "</CompleteMultipartUploadResult>",
      "<ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><Size>5</"
      "Size><ETag>e</ETag>"
      "</Part></ListPartsResult>",
      "<ListMultipartUploadsResult><EncodingType>url</EncodingType><NextKeyMarker>k%2</NextKeyMarker><Upload>"
      "<Key>a%20b+c</Key><UploadId>u</UploadId><Initiated>2026-11-25T02:00:00.000Z</Initiated></Upload>"
      "</ListMultipartUploadsResult>",
      "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</"
      "NextContinuationToken><Contents>"
      "<Key>k</Key><Size>5</Size><ETag>e</ETag><LastModified>9999-99-99T99:99:99Z</LastModified></Contents>"
      "</ListBucketResult>",
      test::ErrorXml("NoSuchUpload")};
  Mutator mutator;
  for (int i = 0; i < Rounds(); ++i) {
    const auto body = mutator.Next(seeds);
    if (const auto id = ParseUploadId(body)) {
      EXPECT_FALSE(id->empty());
    }
    if (const auto completed = ParseCompletion(body, ChecksumAlgorithm::kCrc32c)) {
      EXPECT_FALSE(completed->etag.empty());
    }
    if (const auto list = ParsePartList(body)) {
      EXPECT_TRUE(!list->truncated || !list->parts.empty());
    }
    if (const auto uploads = ParseUploadList(body)) {
      for (const auto& upload : uploads->uploads) EXPECT_FALSE(upload.upload_id.empty());
    }
    if (const auto objects = ParseObjectList(body)) {
      EXPECT_TRUE(!objects->truncated || !objects->next.empty());
    }
    CrcOfParts crc(ChecksumAlgorithm::kCrc64Nvme);
    (void)crc.Add(body, 5);
    (void)Md5OfETag(body, {}, {});
    (void)ParseTagging(body);
  }
}

}  // namespace hostile_responses_test
}  // namespace s3
