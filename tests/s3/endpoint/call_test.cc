#include "s3/endpoint/call.h"

#include <gtest/gtest.h>

namespace s3::endpoint {
namespace call_test {

Call Parsed(std::string method, std::string target, std::vector<Header> headers = {},
            std::string_view domain = "") {
  Call call;
  call.method = std::move(method);
  call.target = std::move(target);
  call.headers = std::move(headers);
  EXPECT_TRUE(ParseTarget(&call, domain)) << call.target;
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
      {"POST", "/b?delete", "DeleteObjects"},
      {"POST", "/b?delete=&x-id=DeleteObjects", "DeleteObjects"},
      {"POST", "/b?delete&acl", ""},
      {"POST", "/b", ""},
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
  const std::vector<Header> copy{{"x-amz-copy-source", "/b/other"}};
  EXPECT_EQ(Parsed("PUT", "/b/k", copy).operation, "CopyObject");
  EXPECT_EQ(Parsed("PUT", "/b/k?partNumber=1&uploadId=u", copy).operation, "") << "UploadPartCopy";
}

TEST(ParseTarget, AHostBelowTheDomainNamesTheBucket) {
  const auto parsed = [](std::string target, std::string host, std::string_view domain) {
    const auto call = Parsed("GET", std::move(target), {{"host", std::move(host)}}, domain);
    return call.operation + " " + call.bucket + " " + call.key;
  };
  EXPECT_EQ(parsed("/a/b%20c", "plates.store.test:9000", "store.test"), "GetObject plates a/b c");
  EXPECT_EQ(parsed("/", "Plates.Store.Test", "store.test"), "ListObjects plates ");
  EXPECT_EQ(parsed("/k", "with.dots.store.test", "store.test"), "GetObject with.dots k");
  EXPECT_EQ(parsed("/b/k", "store.test:9000", "store.test"), "GetObject b k") << "the domain itself: by path";
  EXPECT_EQ(parsed("/b/k", "plates.other.test", "store.test"), "GetObject b k");
  EXPECT_EQ(parsed("/b/k", "plates.store.test", ""), "GetObject b k") << "no domain: by path";
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
    EXPECT_FALSE(ParseTarget(&broken, "")) << target;
  }
}

}  // namespace call_test
}  // namespace s3::endpoint
