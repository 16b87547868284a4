#include "s3/api/responses.h"

#include <gtest/gtest.h>

namespace s3 {
namespace responses_test {

TEST(ParseUploadId, ReturnsTheIdOfTheRightDocumentOnly) {
  const std::string open = "<InitiateMultipartUploadResult><UploadId>";
  const std::string close = "</UploadId></InitiateMultipartUploadResult>";
  EXPECT_EQ(ParseUploadId(open + "id" + close), "id");
  EXPECT_EQ(ParseUploadId(open + close), std::nullopt);
  EXPECT_EQ(ParseUploadId(open + std::string(5000, 'x') + close), std::nullopt);
  EXPECT_EQ(ParseUploadId("<Other><UploadId>id</UploadId></Other>"), std::nullopt);
  EXPECT_EQ(ParseUploadId(""), std::nullopt);
}

TEST(ParseCompletion, ReturnsETagAndTheRequestedChecksum) {
  const auto parsed = ParseCompletion(
      "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag><ChecksumCRC32C>AAAA</ChecksumCRC32C>"
      "</CompleteMultipartUploadResult>",
      ChecksumAlgorithm::kCrc32c);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->etag, "\"e-2\"");
  EXPECT_EQ(parsed->checksum, "AAAA");
}

TEST(ParseCompletion, ReturnsNothingForACutOrOtherDocument) {
  for (const auto* text : {"", "   ", "<CompleteMultipartUploadResult><ETag>e</ETag>",
                           "<CompleteMultipartUploadResult/>", "<Error><Code>InternalError</Code></Error>"}) {
    EXPECT_FALSE(ParseCompletion(text, ChecksumAlgorithm::kNone)) << text;
  }
}

TEST(ParsePartList, ReadsPartsAndRefusesWhatWouldBeReadForever) {
  const auto list = ParsePartList(
      "<ListPartsResult><IsTruncated>true</IsTruncated>"
      "<Part><PartNumber>2</PartNumber><Size>7</Size><ETag>e</ETag></Part></ListPartsResult>");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->truncated);
  ASSERT_EQ(list->parts.size(), 1u);
  EXPECT_EQ(list->parts[0].number, 2);
  EXPECT_EQ(list->parts[0].bytes, 7u);
  EXPECT_FALSE(ParsePartList("<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"));
  EXPECT_FALSE(
      ParsePartList("<ListPartsResult><Part><PartNumber>0</PartNumber><Size>1</Size></Part>"
                    "</ListPartsResult>"));
}

TEST(ParseUploadList, DecodesKeysAndReadsTimes) {
  const auto list = ParseUploadList(
      "<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
      "<Upload><Key>a%20b+c</Key><UploadId>u</UploadId><Initiated>1970-01-02T00:00:00.000Z</Initiated></"
      "Upload>"
      "</ListMultipartUploadsResult>");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->uploads.size(), 1u);
  EXPECT_EQ(list->uploads[0].key, "a b c");
  EXPECT_EQ(list->uploads[0].initiated_s, 86'400);
  EXPECT_FALSE(
      ParseUploadList("<ListMultipartUploadsResult><Upload><Key>k</Key></Upload>"
                      "</ListMultipartUploadsResult>"))
      << "an upload without an ID";
}

TEST(ParseObjectList, RefusesATruncatedPageWithoutAToken) {
  const std::string object = "<Contents><Key>k</Key><Size>3</Size><ETag>e</ETag></Contents>";
  const auto list = ParseObjectList(
      "<ListBucketResult><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>t</NextContinuationToken>" +
      object + "</ListBucketResult>");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->next, "t");
  ASSERT_EQ(list->objects.size(), 1u);
  EXPECT_EQ(list->objects[0].bytes, 3u);
  EXPECT_FALSE(
      ParseObjectList("<ListBucketResult><IsTruncated>true</IsTruncated>" + object + "</ListBucketResult>"));
}

}  // namespace responses_test
}  // namespace s3
