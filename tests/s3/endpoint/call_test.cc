#include "s3/endpoint/call.h"

#include <gtest/gtest.h>

namespace s3::endpoint {
namespace call_test {

Call Parsed(std::string method, std::string target, std::vector<Header> headers = {}) {
  Call call;
  call.method = std::move(method);
  call.target = std::move(target);
  call.headers = std::move(headers);
  EXPECT_TRUE(ParseTarget(&call)) << call.target;
  return call;
}

TEST(ParseTarget, MethodPathAndQueryChooseTheOperation) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"GET", "/", "ListBuckets"},
      {"PUT", "/b", "CreateBucket"},
      {"HEAD", "/b", "HeadBucket"},
      {"GET", "/b?location", "GetBucketLocation"},
      {"GET", "/b?uploads", "ListMultipartUploads"},
      {"GET", "/b?list-type=2&prefix=", "ListObjectsV2"},
      {"GET", "/b?prefix=x", "ListObjects"},
      {"GET", "/b?acl", ""},
      {"PUT", "/b/k", "PutObject"},
      {"PUT", "/b/k?x-id=PutObject", "PutObject"},
      {"PUT", "/b/k?acl", ""},
      {"POST", "/b/k?uploads", "CreateMultipartUpload"},
      {"PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"},
      {"POST", "/b/k?uploadId=u", "CompleteMultipartUpload"},
      {"DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"},
      {"GET", "/b/k?uploadId=u&max-parts=5", "ListParts"},
      {"PUT", "/b/k?tagging", "PutObjectTagging"},
      {"PATCH", "/b/k", ""}};
  for (const auto& [method, target, operation] : cases) {
    EXPECT_EQ(Parsed(method, target).operation, operation) << method << " " << target;
  }
  EXPECT_EQ(Parsed("PUT", "/b/k", {{"x-amz-copy-source", "/b/other"}}).operation, "") << "a copy";
}

TEST(ParseTarget, KeysAndQueriesAreDecodedAndBrokenOnesRefused) {
  const auto call = Parsed("GET", "/b/a%20b/%2F+c?prefix=x%3Dy");
  EXPECT_EQ(call.bucket, "b");
  EXPECT_EQ(call.key, "a b//+c");
  EXPECT_EQ(call.FindQuery("prefix"), "x=y");
  for (const auto* target : {"/b/%", "/%zz/k", "/b/k?a=%4", "no-slash"}) {
    Call broken;
    broken.method = "GET";
    broken.target = target;
    EXPECT_FALSE(ParseTarget(&broken)) << target;
  }
}

}  // namespace call_test
}  // namespace s3::endpoint
