// What reads a server's bytes, given any bytes: a value or nothing, never a crash. The sanitizers
// make it worth running; a long run sets S3FLOW_FUZZ_ROUNDS.
#include <gtest/gtest.h>

#include "s3/api/classify_response.h"
#include "s3/api/payload.h"
#include "s3/api/responses.h"
#include "s3/api/sigv4.h"
#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/verify.h"
#include "s3/glob.h"
#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"
#include "tests/support/mutator.h"
#include "tests/support/support.h"

namespace s3 {
namespace {

using test::Mutator;
using test::Rounds;

TEST(HostileInputTest, Answers) {
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
    const auto judged = ClassifyResponse(response, true);
    if (!judged) {
      EXPECT_LE(judged.error().message.size(), 700u);
      EXPECT_EQ(judged.error().message.find_first_of("\n\x1b"), std::string::npos);
    } else {
      EXPECT_EQ(response.status / 100, 2);
    }
  }
}

TEST(HostileInputTest, AnswersToMultipartUploads) {
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

TEST(HostileInputTest, ChunkedBodiesToTheEndpoint) {
  const std::vector<std::string> seeds{"5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n",
                                       "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n",
                                       "ffffffffffffffff\r\n", "0\r\n\r\n"};
  Mutator mutator;
  for (int i = 0; i < Rounds(); ++i) {
    const bool is_signed = i % 2 == 0;
    endpoint::Call call;
    call.headers = {{"x-amz-content-sha256", std::string(is_signed ? kSignedChunks : kUnsignedTrailer)},
                    {"x-amz-decoded-content-length", "5"},
                    {"x-amz-date", "20200101T000000Z"},
                    {"authorization",
                     "AWS4-HMAC-SHA256 Credential=s3flow/20200101/us-east-1/s3/aws4_request, Signature=00"}};
    if (!is_signed) call.headers.push_back({"x-amz-trailer", "x-amz-checksum-crc32c"});
    const endpoint::ServerOptions options;
    endpoint::BodyReceiver receiver(call, options, endpoint::MakeNullUpload(), "");
    const auto body = mutator.Next(seeds);
    const auto cut = body.size() / 2;
    const bool taken = !receiver.Take(std::string_view(body).substr(0, cut)) &&
                       !receiver.Take(std::string_view(body).substr(cut)) && !receiver.Finish();
    // A wrong signature never passes, and nothing but "hello" has its checksum.
    if (taken) {
      EXPECT_FALSE(is_signed);
      EXPECT_EQ(receiver.Result().size_bytes, 5u) << body;
    }
  }
}

TEST(HostileInputTest, EndpointsKeysAndGlobs) {
  const std::vector<std::string> seeds{
      "https://[fd00::1]:7443/", "http://a.b-c:80", "a%41%zz+b", "**/x[a-z]*/\\?", "[!", "QUJD="};
  Mutator mutator;
  for (int i = 0; i < Rounds(); ++i) {
    const auto text = mutator.Next(seeds);
    if (const auto endpoint = ParseEndpoint(text)) {
      EXPECT_FALSE(endpoint->host.empty());
      EXPECT_TRUE(endpoint->port >= 1 && endpoint->port <= 65535);
    }
    EXPECT_EQ(UriDecode(UriEncode(text, true)), text);
    (void)GlobMatches(text, "some/path/file");
    (void)GlobMatches("**/x", text);
    (void)Base64Decode(text);
    (void)BucketNameProblem(text);
  }
}

TEST(HostileInputTest, RequestsToTheEndpoint) {
  const std::vector<std::string> targets{
      "/bucket/"
      "k%20e?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=s3flow%2F20200101%2Fus-east-1%2Fs3%2Faws4_"
      "request&X-Amz-Date=20200101T000000Z",
      "/?list-type=2&prefix=%", "//../%00", "*"};
  const std::vector<std::string> authorizations{
      "AWS4-HMAC-SHA256 Credential=s3flow/20200101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, "
      "Signature=00",
      "AWS4-HMAC-SHA256 ,,,=", "Basic x"};
  Mutator target, authorization;
  for (int i = 0; i < Rounds(); ++i) {
    endpoint::Call call;
    call.method = "PUT";
    call.target = target.Next(targets);
    call.headers = {{"authorization", authorization.Next(authorizations)},
                    {"x-amz-date", "20200101T000000Z"},
                    {"host", "h"}};
    if (endpoint::ParseTarget(&call)) {
      EXPECT_TRUE(endpoint::VerifySignature(call, {}, std::chrono::system_clock::now()))
          << "accepted without a signature";
    }
  }
}

}  // namespace
}  // namespace s3
