#include "s3/event_loop.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace {

using std::chrono::milliseconds;
using test::RawServer;
using test::ReadRequest;
using test::Say;
using testing::HasSubstr;

void AwaitClientClose(int fd) {
  char buffer[4096];
  while (read(fd, buffer, sizeof buffer) > 0) {
  }
}

HttpRequest Get(const Endpoint& endpoint, std::string method = "GET", std::string_view body = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.endpoint = endpoint;
  request.path = "/bucket/a%20key/../x";
  request.headers = {{"host", endpoint.HostHeader()}, {"x-amz-empty", ""}, {"content-type", "text/plain"}};
  request.body = body;
  return request;
}

HttpResponse Exchange(EventLoop& loop, const HttpRequest& request) {
  HttpResponse response;
  BlockingWaiter().Wait([&](Wake wake) { loop.Send(request, &response, wake); });
  return response;
}

// For servers that stay silent; all others get the patient defaults, since a busy machine is no
// timeout.
TransportOptions Impatient() {
  TransportOptions options;
  options.stall_window = milliseconds(200);
  return options;
}

TEST(EventLoopTest, SendsThePathAndHeadersAsTheyStand) {
  std::string seen;
  RawServer server([&](int fd) {
    seen = ReadRequest(fd);
    Say(fd, "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 2\r\n\r\nok");
  });
  EventLoop loop(TransportOptions{}, 4);
  const auto response = Exchange(loop, Get(server.endpoint(), "PUT", "body"));
  EXPECT_FALSE(response.failure);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok");
  EXPECT_THAT(seen, testing::StartsWith("PUT /bucket/a%20key/../x HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nhost: " + server.endpoint().HostHeader() + "\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nx-amz-empty:\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(seen, testing::Not(HasSubstr("urlencoded")));
}

TEST(EventLoopTest, ConnectionsAreKeptAndHandlesReusedAcrossMethods) {
  RawServer server([](int fd) {
    for (std::string request; !(request = ReadRequest(fd)).empty();) {
      const bool head = request.starts_with("HEAD");
      Say(fd, head ? "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"
                   : "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    }
  });
  {
    EventLoop loop(TransportOptions{}, 4);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Exchange(loop, Get(server.endpoint(), "PUT", "")).body, "x");
      EXPECT_EQ(Exchange(loop, Get(server.endpoint(), "HEAD")).headers.Find("content-length"), "77");
    }
  }
  EXPECT_EQ(server.connections, 1);
}

TEST(EventLoopTest, InterimAnswersAreNotTheAnswer) {
  RawServer server([](int fd) {
    ReadRequest(fd);
    Say(fd,
        "HTTP/1.1 100 Continue\r\nETag: \"interim\"\r\n\r\nHTTP/1.1 204 No Content\r\nETag: "
        "\"final\"\r\n\r\n");
  });
  EventLoop loop(TransportOptions{}, 4);
  const auto response = Exchange(loop, Get(server.endpoint(), "PUT", ""));
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.headers.Find("etag"), "\"final\"");
}

TEST(EventLoopTest, NothingListensNamesHostAndPort) {
  int port;
  {
    RawServer gone([](int) {});
    port = gone.endpoint().port;
  }
  EventLoop loop(TransportOptions{}, 4);
  const auto response = Exchange(loop, Get({"http", "127.0.0.1", port}));
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kTransient);
  EXPECT_THAT(response.failure->message, HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(response.failure->message, HasSubstr("Connection refused"));
}

TEST(EventLoopTest, SilentServerIsATimeout) {
  RawServer server([](int fd) {
    ReadRequest(fd);
    AwaitClientClose(fd);
  });
  EventLoop loop(Impatient(), 4);
  const auto response = Exchange(loop, Get(server.endpoint(), "PUT", "x"));
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kTransient);
  EXPECT_THAT(response.failure->message, HasSubstr("network timeout"));
}

TEST(EventLoopTest, ServerThatTakesTheBodyTooSlowlyIsATimeout) {
  std::atomic<bool> answered{false};
  RawServer server([&](int fd) {
    ReadRequest(fd);
    answered.wait(false);  // reads no body
  });
  EventLoop loop(Impatient(), 4);
  const std::string body(32 << 20, 'x');
  const auto response = Exchange(loop, Get(server.endpoint(), "PUT", body));
  answered = true;
  answered.notify_all();
  ASSERT_TRUE(response.failure);
  EXPECT_THAT(response.failure->message, HasSubstr("network timeout"));
}

TEST(EventLoopTest, BrokenAnswersAreTransientFailures) {
  const std::pair<const char*, std::string> cases[] = {
      {"closes without a word", ""},
      {"cuts the headers", "HTTP/1.1 200 OK\r\nETag:"},
      {"cuts the body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"},
      {"speaks another protocol", "SSH-2.0-OpenSSH\r\n\r\n"},
      {"sends endless headers", "HTTP/1.1 200 OK\r\n" +
                                    [] {
                                      std::string lines;
                                      for (int i = 0; i < 3000; ++i)
                                        lines += "X-Filler: " + std::string(50, 'x') + "\r\n";
                                      return lines;
                                    }() +
                                    "\r\n"},
  };
  for (const auto& [what, answer] : cases) {
    RawServer server([&answer = answer](int fd) {
      ReadRequest(fd);
      Say(fd, answer);
    });
    EventLoop loop(TransportOptions{}, 4);
    const auto response = Exchange(loop, Get(server.endpoint(), "PUT", "x"));
    ASSERT_TRUE(response.failure) << what;
    EXPECT_EQ(response.failure->kind, ErrorKind::kTransient) << what;
  }
}

TEST(EventLoopTest, HugeBodyIsCutOffAndTheStatusStays) {
  RawServer server([](int fd) {
    ReadRequest(fd);
    Say(fd, "HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n");
    const std::string chunk(1 << 20, 'x');
    for (int i = 0; i < 8; ++i) Say(fd, chunk);
  });
  EventLoop loop(TransportOptions{}, 4);
  const auto response = Exchange(loop, Get(server.endpoint()));
  EXPECT_FALSE(response.failure);
  EXPECT_EQ(response.status, 500);
  EXPECT_TRUE(response.body_truncated);
  EXPECT_LE(response.body.size(), HttpResponse::kMaxBodyBytes);
}

TEST(EventLoopTest, RedirectsAreNotFollowed) {
  RawServer other([](int fd) { ReadRequest(fd); });
  RawServer server([&](int fd) {
    ReadRequest(fd);
    Say(fd, "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:" + std::to_string(other.endpoint().port) +
                "/\r\nContent-Length: 0\r\n\r\n");
  });
  EventLoop loop(TransportOptions{}, 4);
  EXPECT_EQ(Exchange(loop, Get(server.endpoint(), "PUT", "x")).status, 307);
  EXPECT_EQ(other.connections, 0);
}

TEST(EventLoopTest, AbortEndsExchangesInFlightAndLaterOnes) {
  std::atomic<EventLoop*> running{nullptr};
  RawServer server([&](int fd) {
    ReadRequest(fd);
    running.load()->Abort();
    AwaitClientClose(fd);
  });
  EventLoop loop(TransportOptions{}, 4);
  running = &loop;
  for (int i = 0; i < 2; ++i) {
    const auto response = Exchange(loop, Get(server.endpoint(), "PUT", "x"));
    ASSERT_TRUE(response.failure);
    EXPECT_EQ(response.failure->kind, ErrorKind::kCancelled);
  }
}

TEST(EventLoopTest, SleepsEndInOrderAndWhenCancelled) {
  EventLoop loop(TransportOptions{}, 4);
  BlockingWaiter waiter;
  const auto start = std::chrono::steady_clock::now();
  waiter.Wait([&](Wake wake) { loop.WakeAfter(milliseconds(20), wake); });
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
  std::thread sleeper([&] { waiter.Wait([&](Wake wake) { loop.WakeAfter(std::chrono::hours(1), wake); }); });
  loop.CancelSleeps();
  sleeper.join();
  waiter.Wait([&](Wake wake) { loop.WakeAfter(std::chrono::hours(1), wake); });
}

TEST(EventLoopTest, ManyThreadsShareOneLoop) {
  endpoint::ServerOptions options;
  options.buckets = {"bucket"};
  endpoint::Server server(options);
  const auto endpoint = ParseEndpoint(server.endpoint()).value();
  EventLoop loop(TransportOptions{}, 16);
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) refused += Exchange(loop, Get(endpoint)).status == 403;  // unsigned
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, 400);
}

}  // namespace
}  // namespace s3
