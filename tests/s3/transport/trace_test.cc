#include "s3/transport/trace.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace s3 {
namespace trace_test {

using std::chrono::microseconds;

TEST(TraceTest, RequestsShowListedValuesAndOnlyTheNamesOfOthers) {
  HttpRequest request;
  request.method = "PUT";
  request.endpoint = ParseEndpoint("https://store:9000").value();
  request.path = "/bucket/a%20key";
  request.query = {{"partNumber", "7"}, {"uploadId", "u-1"}, {"uploads", ""}, {"account_id", "canary"}};
  request.headers = {
      {"host", "store:9000"},
      {"authorization",
       "AWS4-HMAC-SHA256 Credential=AKID/d/r/s3/aws4_request, SignedHeaders=host, Signature=canary"},
      {"x-amz-security-token", "canary"},
      {"x-amz-server-side-encryption-customer-key", "canary"},
      {"x-amz-server-side-encryption-customer-key-md5", "canary"},
      {"x-amz-meta-owner", "canary"},
      {"x-amz-tagging", "canary"},
      {"x-aws-ec2-metadata-token", "canary"},
      {"cache-control", "canary"},
      {"x-amz-checksum-crc32c", "yZRlqg=="}};
  request.secret_headers = {{"x-amz-security-token", Secret("canary")}, {"host", Secret("canary")}};
  request.body = "canary";
  EXPECT_EQ(
      TraceOfRequest(request, "#1 >"),
      "#1 > PUT https://store:9000/bucket/a%20key?partNumber=7&uploadId=u-1&uploads&account_id=(redacted)\n"
      "#1 > host: store:9000\n"
      "#1 > authorization: AWS4-HMAC-SHA256 Credential=AKID/d/r/s3/aws4_request, SignedHeaders=host, "
      "Signature=(redacted)\n"
      "#1 > x-amz-security-token: (redacted)\n"
      "#1 > x-amz-server-side-encryption-customer-key: (redacted)\n"
      "#1 > x-amz-server-side-encryption-customer-key-md5: (redacted)\n"
      "#1 > x-amz-meta-owner: (redacted)\n"
      "#1 > x-amz-tagging: (redacted)\n"
      "#1 > x-aws-ec2-metadata-token: (redacted)\n"
      "#1 > cache-control: (redacted)\n"
      "#1 > x-amz-checksum-crc32c: yZRlqg==\n"
      "#1 > x-amz-security-token: (redacted)\n"
      "#1 > host: (redacted)\n"
      "#1 > (6 bytes)\n");
}

TEST(TraceTest, OtherKindsOfAuthorizationAreNotShown) {
  HttpRequest request;
  request.headers = {{"authorization", "Bearer canary"}, {"authorization", "Signature=a, Signature=canary"}};
  EXPECT_THAT(TraceOfRequest(request, ">"), testing::Not(testing::HasSubstr("canary")));
}

TEST(TraceTest, ResponsesShowTheErrorCodeAndNothingElseOfTheBody) {
  HttpResponse response;
  response.status = 403;
  response.headers.AppendLine("HTTP/1.1 403 Forbidden\r\n");
  response.headers.AppendLine("ETag:\t\"e\"\r\n");
  response.headers.AppendLine("Set-Cookie: canary\r\n");
  response.headers.AppendLine("Server: a\x1b[31m\r\n");
  response.body =
      "<Error><Code>ExpiredToken</Code><Message>canary</Message><Token-0>canary</Token-0></Error>";
  EXPECT_EQ(TraceOfResponse(response, microseconds(1500), "#1 <"),
            "#1 < HTTP 403 after 1.500 ms: ExpiredToken\n#1 < etag: \"e\"\n#1 < set-cookie: (redacted)\n"
            "#1 < server: a\\x1b[31m\n#1 < (90 bytes)\n");
  HttpResponse none;
  none.failure = Error{.kind = ErrorKind::kTransient, .message = "connection\nreset"};
  EXPECT_EQ(TraceOfResponse(none, microseconds(20), "<"),
            "< no response after 0.020 ms: connection\\x0areset\n< (0 bytes)\n");
}

TEST(TraceLogTest, ReportsTheFirstWriteError) {
  test::TempDir directory;
  TraceLog log(UniqueFd(open((directory / "trace").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600)));
  log.Write("one\n");
  log.Write("two\n");
  EXPECT_EQ(log.problem(), "");
  EXPECT_EQ(test::ReadAll(directory / "trace"), "one\ntwo\n");
  TraceLog full(UniqueFd(open("/dev/full", O_WRONLY)));
  full.Write("lost");
  EXPECT_EQ(full.problem(), "No space left on device");
}

}  // namespace trace_test
}  // namespace s3
