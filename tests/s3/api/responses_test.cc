#include "s3/api/responses.h"

#include <gtest/gtest.h>

namespace s3 {
namespace {

TEST(ResponsesTest, OnlyTheExpectedDocumentIsParsed) {
  EXPECT_EQ(ParseUploadId(" \n<?xml version=\"1.0\"?><InitiateMultipartUploadResult><Key>a&#x8;b</Key>"
                          "<UploadId>id</UploadId></InitiateMultipartUploadResult>"),
            "id");
  for (const auto* body : {"", "<", "<a/>", "<InitiateMultipartUploadResult/>", "<UploadId>id</UploadId>"}) {
    EXPECT_EQ(ParseUploadId(body), std::nullopt) << body;
    EXPECT_FALSE(ParseCompletion(body, ChecksumAlgorithm::kNone)) << body;
    EXPECT_FALSE(ParsePartList(body)) << body;
  }
  const auto completed = ParseCompletion(
      "   \n<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag><ChecksumCRC32C>AAAA</ChecksumCRC32C>"
      "</CompleteMultipartUploadResult>",
      ChecksumAlgorithm::kCrc32c);
  ASSERT_TRUE(completed);
  EXPECT_EQ(completed->etag, "\"e-2\"");
  EXPECT_EQ(completed->checksum, "AAAA");
  const auto list = ParsePartList(
      "<ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>7</PartNumber><Size>5</Size>"
      "<ETag>e</ETag></Part></ListPartsResult>");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->truncated);
  EXPECT_EQ(list->parts.at(0).number, 7);
  EXPECT_FALSE(ParsePartList(
      "<ListPartsResult><Part><PartNumber>x</PartNumber><Size>5</Size></Part></ListPartsResult>"));
  EXPECT_FALSE(ParsePartList("<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"))
      << "truncated, but nothing to continue after";
}

}  // namespace
}  // namespace s3
