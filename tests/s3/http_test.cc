#include "s3/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s3 {
namespace http_test {

TEST(HttpHeaders, FindsByNameInAnyCase) {
  HttpHeaders headers;
  for (const auto* line : {"HTTP/1.1 200 OK\r\n", "ETag:  \"x\"  \r\n", "Empty:\r\n", "x-amz-id: 1\r\n"})
    headers.AppendLine(line);
  EXPECT_EQ(headers.Find("etag"), "\"x\"");
  EXPECT_EQ(headers.Find("EMPTY"), "");
  EXPECT_EQ(headers.Find("amz-id"), std::nullopt);
  EXPECT_EQ(headers.Find("x-amz-i"), std::nullopt);
}

TEST(ParseHttpDate, ReadsOnlyTheFormThatServersMayGenerate) {
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"),
            std::chrono::sys_seconds(std::chrono::seconds(784'111'777)));
  for (const auto* wrong : {"", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT",
                            "Sun, 06 Nov 1994 08:49:37 GMT+1", "Fri, 01 Jan 2300 00:00:00 GMT"}) {
    EXPECT_EQ(ParseHttpDate(wrong), std::nullopt) << wrong;
  }
}

TEST(HttpRequest, TheSizeOfTheBodyIsThatOfTheBodyThatIsSent) {
  HttpRequest request;
  EXPECT_EQ(request.body_bytes(), 0u);
  request.body = "four";
  EXPECT_EQ(request.body_bytes(), 4u);
  request.body_pieces = {"a", "bc"};
  EXPECT_EQ(request.body_bytes(), 3u);
  HttpRequest from_file;
  from_file.body_file.bytes = 7;
  EXPECT_EQ(from_file.body_bytes(), 7u);
}

TEST(HeadProblem, NamesTheBadPartAndShowsNoValue) {
  HttpRequest request;
  request.method = "PUT";
  request.path = "/key";
  request.endpoint.host = "host";
  request.headers = {{"x-amz-meta-a", "value"}};
  EXPECT_EQ(HeadProblem(request), std::nullopt);
  request.headers[0].value = "secret\n";
  EXPECT_EQ(HeadProblem(request),
            "its header 'x-amz-meta-a' has a control character in its value; remove that character");
  request.headers[0] = {"a b", ""};
  EXPECT_EQ(HeadProblem(request), "'a b' cannot be the name of a header");
  request.path = "/a b";
  EXPECT_EQ(HeadProblem(request), "its target has a character that must be percent-encoded");
}

}  // namespace http_test
}  // namespace s3
