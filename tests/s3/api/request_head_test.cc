// No control character in any part of a request reaches the wire, wherever it comes from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/transport/event_loop.h"
#include "tests/support/raw_server.h"

namespace s3 {
namespace request_head_test {

using testing::HasSubstr;

struct Sent {
  HttpResponse response;
  int connections = 0;
};

Sent Send(const std::function<void(HttpRequest*)>& change) {
  test::RawServer server([](int fd) {
    (void)test::ReadRequest(fd);
    test::Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  HttpRequest request;
  request.method = "PUT";
  request.endpoint = server.endpoint();
  request.path = "/bucket/key";
  request.headers = {{"host", server.endpoint().HostHeader()}, {"x-amz-meta-a", "b"}};
  request.secret_headers = {{"x-amz-security-token", Secret("token")}};
  change(&request);
  Sent sent;
  {
    EventLoop loop({}, 1);
    BlockingWaiter().Wait([&](Wake wake) { loop.Send(std::move(request), &sent.response, wake); });
  }
  sent.connections = server.connections;
  return sent;
}

TEST(RequestHead, AValidOneIsSent) {
  const auto sent = Send([](HttpRequest* request) { request->headers[1].value = "caf\xc3\xa9 ~"; });
  EXPECT_FALSE(sent.response.failure);
  EXPECT_EQ(sent.response.status, 200);
  EXPECT_EQ(sent.connections, 1);
}

TEST(RequestHead, ARequestWithAControlCharacterIsNotSent) {
  const std::string bad[] = {
      "a\r\nInjected: 1", "a\n", "a\r", std::string("a\0b", 3), "a\x1b", "a\x7f", "\t"};
  const std::pair<const char*, std::function<void(HttpRequest*, const std::string&)>> parts[] = {
      {"'x-amz-meta-a'", [](auto* request, const auto& text) { request->headers[1].value = text; }},
      {"'host'", [](auto* request, const auto& text) { request->headers[0].value = text; }},
      {"name of a header", [](auto* request, const auto& text) { request->headers[1].name = text; }},
      {"'x-amz-security-token'",
       [](auto* request, const auto& text) { request->secret_headers[0].value = Secret(text); }},
      {"name of a header", [](auto* request, const auto& text) { request->secret_headers[0].name = text; }},
      {"target", [](auto* request, const auto& text) { request->path = "/" + text; }},
      {"target", [](auto* request, const auto& text) { request->method = text; }},
      {"host", [](auto* request, const auto& text) { request->endpoint.host = text; }},
  };
  for (const auto& [what, put] : parts) {
    for (const auto& text : bad) {
      const auto sent = Send([&, &set = put](HttpRequest* request) { set(request, text); });
      ASSERT_TRUE(sent.response.failure) << what;
      EXPECT_EQ(sent.response.failure->kind, ErrorKind::kPermanent);
      EXPECT_THAT(sent.response.failure->message, HasSubstr("the request was not sent"));
      EXPECT_THAT(sent.response.failure->message, HasSubstr(what));
      EXPECT_EQ(sent.response.failure->message.find_first_of("\r\n\x1b"), std::string::npos);
      EXPECT_EQ(sent.connections, 0) << what;
    }
  }
  for (const auto* name : {"", "a:b", "a b"}) {
    EXPECT_TRUE(Send([&](HttpRequest* request) { request->headers[1].name = name; }).response.failure)
        << name;
  }
}

}  // namespace request_head_test
}  // namespace s3
