#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/base/waiter.h"
#include "s3/transport/event_loop.h"
#include "s3/transport/event_loop_group.h"
#include "tests/support/both_transports.h"
#include "tests/support/raw_server.h"

namespace s3 {
namespace expect_continue_test {

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

HttpRequest Put(const Endpoint& endpoint, std::string_view body = {}) {
  HttpRequest request;
  request.method = "PUT";
  request.endpoint = endpoint;
  request.path = "/b/k";
  request.body = body;
  return request;
}

template <typename Loop>
HttpResponse Exchange(Loop& loop, HttpRequest request) {
  HttpResponse response;
  BlockingWaiter().Wait([&](Wake wake) { loop.Send(std::move(request), &response, wake); });
  return response;
}

class ExpectContinueTest : public test::BothTransports {};

TEST_P(ExpectContinueTest, ARefusedExpectIsLeftOutFromThenOn) {
  const std::string large(2 << 20, 'x');
  for (const int status : {417, 501}) {
    std::atomic<int> asked{0};
    test::RawServer server([&](int fd) {
      const auto head = test::ReadRequest(fd);
      if (head.find("Expect:") != std::string::npos) {
        ++asked;
        return test::Say(fd, "HTTP/1.1 " + std::to_string(status) + "\r\nContent-Length: 0\r\n\r\n");
      }
      std::vector<char> buffer(1 << 16);
      for (std::size_t got = test::ParseCall(head).body.size(); got < large.size();) {
        const auto more = read(fd, buffer.data(), buffer.size());
        if (more <= 0) return;
        got += static_cast<std::size_t>(more);
      }
      test::Say(fd, "HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    EventLoopGroup loops(Options(), 1, 4);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(Exchange(loops, Put(server.endpoint(), large)).status, 200);
    EXPECT_EQ(asked, 1) << status;
  }
}

TEST_P(ExpectContinueTest, ALargeBodyWaitsFor100Continue) {
  const std::string body(3 << 20, 'x');
  std::atomic<int> taken{0}, refused{0};
  test::RawServer server([&](int fd) {
    for (std::string head; !(head = test::ReadRequest(fd)).empty();) {
      EXPECT_THAT(head, testing::HasSubstr("\r\nExpect: 100-continue\r\n"));
      EXPECT_TRUE(head.ends_with("\r\n\r\n"));  // no byte of the body
      if (taken > 0) {
        ++refused;
        return test::Say(fd, "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n");
      }
      test::Say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
      std::string buffer(64 << 10, '\0');
      for (std::size_t left = body.size(); left > 0;) {
        const auto got = read(fd, buffer.data(), std::min(buffer.size(), left));
        ASSERT_GT(got, 0);
        left -= static_cast<std::size_t>(got);
      }
      ++taken;
      test::Say(fd, kOk);
    }
  });
  EventLoop loop(Options(), 4);
  auto request = Put(server.endpoint());
  request.body_pieces = {std::string_view(body).substr(0, 1000), "", std::string_view(body).substr(1000)};
  EXPECT_EQ(Exchange(loop, request).status, 200);
  EXPECT_EQ(Exchange(loop, request).status, 503);
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(refused, 1);
}

TEST_P(ExpectContinueTest, AServerThatDoesNotKnowExpectGetsItOnce) {
  const std::string body(2 << 20, 'x');
  for (const bool sends_417 : {true, false}) {
    std::atomic<int> expects{0}, whole{0};
    test::RawServer server([&](int fd) {
      for (std::string head; !(head = test::ReadRequest(fd)).empty();) {
        const bool has_expect = head.find("Expect:") != std::string::npos;
        expects += has_expect;
        if (has_expect && sends_417) return test::Say(fd, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
        std::string buffer(64 << 10, '\0');
        auto left = body.size() - (head.size() - head.find("\r\n\r\n") - 4);
        while (left > 0) {
          const auto got = read(fd, buffer.data(), std::min(buffer.size(), left));
          if (got <= 0) return;
          left -= static_cast<std::size_t>(got);
        }
        ++whole;
        test::Say(fd, kOk);
      }
    });
    EventLoop loop(Options(), 4);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(Exchange(loop, Put(server.endpoint(), body)).status, 200);
    EXPECT_EQ(expects, 1) << sends_417;
    EXPECT_EQ(whole, 3) << sends_417;
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, ExpectContinueTest, test::kBothTransports, test::KindName);

}  // namespace expect_continue_test
}  // namespace s3
