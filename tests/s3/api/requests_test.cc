#include "s3/api/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s3 {
namespace requests_test {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

const BucketAddress kBucket{Endpoint{"http", "store", 80}, "/b/"};

ObjectProperties Full() {
  ObjectProperties properties;
  properties.Set("cache-control", "max-age=1");
  properties.Set("x-amz-meta-a", "1");
  properties.Set("if-none-match", "*");
  SetCustomerKey(std::string(32, 'k'), &properties);
  return properties;
}

std::vector<std::string> NamesOf(const HttpRequest& request) {
  std::vector<std::string> names;
  for (const auto& header : request.headers) names.push_back(header.name);
  for (const auto& header : request.secret_headers) names.push_back(header.name);
  return names;
}

TEST(Requests, EachOperationSendsItsPropertiesAndNoOthers) {
  const auto properties = Full();
  const ObjectTarget target{"k", &properties};
  const std::string key = "x-amz-server-side-encryption-customer-key";
  EXPECT_THAT(NamesOf(BuildPutObject(kBucket, target, "")),
              testing::UnorderedElementsAre("cache-control", "x-amz-meta-a", "if-none-match", key,
                                            key + "-md5", "x-amz-server-side-encryption-customer-algorithm"));
  const auto create = NamesOf(BuildCreateMultipartUpload(kBucket, target, ChecksumAlgorithm::kNone, "token"));
  EXPECT_THAT(create, Contains("cache-control"));
  EXPECT_THAT(create, Contains(std::string(kTokenHeader)));
  EXPECT_THAT(create, Not(Contains("if-none-match")));
  const auto part = NamesOf(BuildUploadPart(kBucket, target, "id", 1));
  EXPECT_THAT(part, Contains(key));
  EXPECT_THAT(part, Not(Contains("cache-control")));
  const auto complete =
      NamesOf(BuildCompleteMultipartUpload(kBucket, target, "id", 1, ChecksumAlgorithm::kNone, "", ""));
  EXPECT_THAT(complete, Contains("if-none-match"));
  EXPECT_THAT(complete, Contains(key));
  EXPECT_THAT(complete, Contains("content-type"));
  EXPECT_THAT(NamesOf(BuildHeadObject(kBucket, target, true)), Contains(key));
}

TEST(CreateMultipartUpload, TheChecksumTypeFollowsFromTheAlgorithm) {
  const ObjectProperties none;
  const auto type = [&](ChecksumAlgorithm algorithm) {
    for (const auto& header : BuildCreateMultipartUpload(kBucket, {"k", &none}, algorithm, "").headers) {
      if (header.name == "x-amz-checksum-type") return header.value;
    }
    return std::string();
  };
  EXPECT_EQ(type(ChecksumAlgorithm::kCrc64Nvme), "FULL_OBJECT");
  EXPECT_EQ(type(ChecksumAlgorithm::kCrc32c), "FULL_OBJECT");
  EXPECT_EQ(type(ChecksumAlgorithm::kSha256), "COMPOSITE");
  EXPECT_EQ(type(ChecksumAlgorithm::kMd5), "");
}

TEST(CompletionXml, ETagsAreEscaped) {
  const auto xml = BuildCompletionXml({{1, 5, "\"a&<b>\"", "AAAA"}}, ChecksumAlgorithm::kCrc32c);
  EXPECT_THAT(xml, testing::HasSubstr(
                       "<ETag>&quot;a&amp;&lt;b&gt;&quot;</ETag><ChecksumCRC32C>AAAA</ChecksumCRC32C>"));
}

TEST(Requests, ThoseThatMustNotBeSentTwiceUseAFreshConnection) {
  const ObjectTarget target{"k"};
  EXPECT_TRUE(BuildCreateMultipartUpload(kBucket, target, ChecksumAlgorithm::kNone, "").fresh_connection);
  const auto complete =
      BuildCompleteMultipartUpload(kBucket, target, "id", 1, ChecksumAlgorithm::kNone, "", "");
  EXPECT_TRUE(complete.fresh_connection);
  EXPECT_TRUE(complete.responds_late);
  EXPECT_FALSE(BuildPutObject(kBucket, target, "").fresh_connection);
  EXPECT_FALSE(BuildUploadPart(kBucket, target, "id", 1).fresh_connection);
}

TEST(Requests, AKeyIsEncodedInThePath) {
  EXPECT_EQ(BuildPutObject(kBucket, {"a b/c"}, "").path, "/b/a%20b/c");
}

Error Refusal(int status, std::string code, std::string message) {
  return {.kind = ErrorKind::kPermanent,
          .message = std::move(message),
          .http_status = status,
          .code = std::move(code)};
}

TEST(SuspectHeaders, AreTheOptionalOnesUnlessTheRefusalNamesOne) {
  HttpRequest request;
  request.headers = {{"content-type", "application/xml"},
                     {"x-amz-mp-object-size", "5"},
                     {"x-amz-checksum-type", "FULL_OBJECT"}};
  EXPECT_THAT(SuspectHeaders(request, Refusal(501, "NotImplemented", "no")),
              ElementsAre("x-amz-mp-object-size", "x-amz-checksum-type"));
  EXPECT_THAT(SuspectHeaders(request, Refusal(400, "InvalidArgument", "no X-Amz-Checksum-Type here")),
              ElementsAre("x-amz-checksum-type"));
  EXPECT_THAT(SuspectHeaders(request, Refusal(501, "NotImplemented", "no x-amz-tagging")), IsEmpty());
  EXPECT_THAT(SuspectHeaders(request, Refusal(400, "InvalidRequest", "no")), IsEmpty());
  EXPECT_THAT(SuspectHeaders(request, Refusal(403, "NotImplemented", "no")), IsEmpty());
  request.headers.push_back({"x-amz-checksum-algorithm", "CRC32C"});
  EXPECT_THAT(SuspectHeaders(request, Refusal(501, "NotImplemented", "no")),
              ElementsAre("x-amz-mp-object-size"))
      << "a CRC32C of the whole object needs its type";
}

}  // namespace requests_test
}  // namespace s3
