#include "s3/transport/event_loop.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <thread>

#include "tests/support/both_transports.h"
#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace event_loop_test {

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
  BlockingWaiter().Wait([&](Wake wake) { loop.Send(HttpRequest(request), &response, wake); });
  return response;
}

// Short timeouts, for servers that stay silent. All other tests use the long defaults: a busy machine must
// not cause a timeout.
TransportOptions Impatient(TransportOptions options) {
  options.stall_window = milliseconds(200);
  return options;
}

class EventLoopTest : public test::BothTransports {};

TEST_P(EventLoopTest, SendsPathAndHeadersUnchanged) {
  std::string seen;
  RawServer server([&](int fd) {
    seen = ReadRequest(fd);
    Say(fd, "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 2\r\n\r\nok");
  });
  EventLoop loop(Options(), 4);
  const auto response = Exchange(loop, Get(server.endpoint(), "PUT", "body"));
  EXPECT_FALSE(response.failure);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok");
  EXPECT_THAT(seen, testing::StartsWith("PUT /bucket/a%20key/../x HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("ost: " + server.endpoint().HostHeader() + "\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nx-amz-empty:\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(seen, testing::Not(HasSubstr("urlencoded")));
}

TEST_P(EventLoopTest, ReusesAConnectionAcrossMethods) {
  RawServer server([](int fd) {
    for (std::string request; !(request = ReadRequest(fd)).empty();) {
      const bool head = request.starts_with("HEAD");
      Say(fd, head ? "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"
                   : "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    }
  });
  {
    EventLoop loop(Options(), 4);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Exchange(loop, Get(server.endpoint(), "PUT", "")).body, "x");
      EXPECT_EQ(Exchange(loop, Get(server.endpoint(), "HEAD")).headers.Find("content-length"), "77");
    }
  }
  EXPECT_EQ(server.connections, 1);
}

// A connection that the server has ended must not count as one that is being made.
TEST_P(EventLoopTest, AClosedConnectionLeavesItsPlaceToTheNext) {
  RawServer server([](int fd) {
    ReadRequest(fd);
    Say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
  });
  EventLoop loop(Options(), 4, 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Exchange(loop, Get(server.endpoint())).body, "x");
  EXPECT_EQ(server.connections, 5);
}

TEST_P(EventLoopTest, AnInterimResponseIsNotTheFinalOne) {
  RawServer server([](int fd) {
    ReadRequest(fd);
    Say(fd,
        "HTTP/1.1 100 Continue\r\nETag: \"interim\"\r\n\r\nHTTP/1.1 204 No Content\r\nETag: "
        "\"final\"\r\n\r\n");
  });
  EventLoop loop(Options(), 4);
  const auto response = Exchange(loop, Get(server.endpoint(), "PUT", ""));
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.headers.Find("etag"), "\"final\"");
}

TEST_P(EventLoopTest, ARefusedConnectionNamesHostAndPort) {
  int port;
  {
    RawServer gone([](int) {});
    port = gone.endpoint().port;
  }
  EventLoop loop(Options(), 4);
  const auto response = Exchange(loop, Get({"http", "127.0.0.1", port}));
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kTransient);
  EXPECT_THAT(response.failure->message, HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(response.failure->message, HasSubstr("Connection refused"));
}

TEST_P(EventLoopTest, ASilentServerIsATimeout) {
  RawServer server([](int fd) {
    ReadRequest(fd);
    AwaitClientClose(fd);
  });
  EventLoop loop(Impatient(Options()), 4);
  const auto response = Exchange(loop, Get(server.endpoint(), "PUT", "x"));
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kTransient);
  EXPECT_THAT(response.failure->message, HasSubstr("network timeout"));
}

TEST_P(EventLoopTest, AServerThatReadsNoBodyIsATimeout) {
  std::atomic<bool> is_over{false};
  RawServer server([&](int fd) {
    ReadRequest(fd);
    is_over.wait(false);  // reads no body
  });
  EventLoop loop(Impatient(Options()), 4);
  const std::string body(32 << 20, 'x');
  const auto response = Exchange(loop, Get(server.endpoint(), "PUT", body));
  is_over = true;
  is_over.notify_all();
  ASSERT_TRUE(response.failure);
  EXPECT_THAT(response.failure->message, HasSubstr("network timeout"));
}

TEST_P(EventLoopTest, MalformedResponsesAreTransientFailures) {
  const std::pair<const char*, std::string> cases[] = {
      {"closes without a response", ""},
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
  for (const auto& [what, text] : cases) {
    RawServer server([&text = text](int fd) {
      ReadRequest(fd);
      Say(fd, text);
    });
    EventLoop loop(Options(), 4);
    const auto response = Exchange(loop, Get(server.endpoint(), "PUT", "x"));
    ASSERT_TRUE(response.failure) << what;
    EXPECT_EQ(response.failure->kind, ErrorKind::kTransient) << what;
  }
}

TEST_P(EventLoopTest, AHugeResponseBodyIsCutOffAndTheStatusStays) {
  RawServer server([](int fd) {
    ReadRequest(fd);
    Say(fd, "HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n");
    const std::string chunk(1 << 20, 'x');
    for (int i = 0; i < 8; ++i) Say(fd, chunk);
  });
  EventLoop loop(Options(), 4);
  const auto response = Exchange(loop, Get(server.endpoint()));
  EXPECT_FALSE(response.failure);
  EXPECT_EQ(response.status, 500);
  EXPECT_TRUE(response.body_truncated);
  EXPECT_LE(response.body.size(), HttpResponse::kMaxBodyBytes);
}

// Reads a request with its body. Returns an empty text at the end of the connection.
std::string ReadWithBody(int fd) {
  auto text = ReadRequest(fd);
  const auto at = text.find("Content-Length: ");
  if (at == std::string::npos) return text;
  const auto size = text.find("\r\n\r\n") + 4 + std::strtoull(text.c_str() + at + 16, nullptr, 10);
  std::string buffer(64 << 10, '\0');
  while (text.size() < size) {
    const auto got = read(fd, buffer.data(), buffer.size());
    if (got <= 0) break;
    text.append(buffer, 0, static_cast<std::size_t>(got));
  }
  return text;
}

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

TEST_P(EventLoopTest, ARequestIsResentWhenAReusedConnectionDiesBeforeAnyResponse) {
  std::atomic<int> requests{0};
  RawServer server([&](int fd) {
    // At most two responses; at the next request the connection dies.
    for (int i = 0; i < 3; ++i) {
      if (ReadWithBody(fd).empty()) return;
      ++requests;
      if (i < 2) Say(fd, kOk);
    }
  });
  {
    EventLoop loop(Options(), 4);
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(Exchange(loop, Get(server.endpoint(), "PUT", "x")).failure);
    EXPECT_FALSE(
        Exchange(loop, Get(server.endpoint(), "PUT", "x")).failure);  // the third request is sent twice
    EXPECT_FALSE(Exchange(loop, Get(server.endpoint(), "PUT", "x")).failure);
  }
  EXPECT_EQ(server.connections, 2);
  EXPECT_EQ(requests, 5);
}

TEST_P(EventLoopTest, ARequestThatNeedsAFreshConnectionGetsOneAndIsSentOnce) {
  std::atomic<int> requests{0};
  RawServer server([&](int fd) {
    requests += !ReadWithBody(fd).empty();
    if (requests < 2) {
      Say(fd, kOk);
      ReadRequest(fd);  // until the client closes the connection that it keeps
    }
  });
  {
    EventLoop loop(Options(), 0);
    EXPECT_FALSE(Exchange(loop, Get(server.endpoint(), "PUT", "x")).failure);
    auto once = Get(server.endpoint(), "POST", "x");
    once.fresh_connection = true;
    EXPECT_TRUE(Exchange(loop, once).failure);
  }
  EXPECT_EQ(server.connections, 2);
  EXPECT_EQ(requests, 2);
}

TEST_P(EventLoopTest, AnIdleConnectionThatTheServerClosedIsNotUsed) {
  std::atomic<int> requests{0};
  RawServer server([&](int fd) {
    requests += !ReadWithBody(fd).empty();
    Say(fd, kOk);
  });
  EventLoop loop(Options(), 4);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Exchange(loop, Get(server.endpoint(), "PUT", "x")).failure);
  EXPECT_EQ(requests, 20);
  EXPECT_EQ(server.connections, 20);
}

TEST_P(EventLoopTest, ARefusalBeforeTheWholeBodyCountsAndASuccessDoesNot) {
  const std::string body(64 << 20, 'x');
  for (const int status : {403, 200}) {
    RawServer server([&](int fd) {
      ReadRequest(fd);
      Say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
      std::string buffer(64 << 10, '\0');
      for (int i = 0; i < 4; ++i) EXPECT_GT(read(fd, buffer.data(), buffer.size()), 0);
      Say(fd, "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n");
      AwaitClientClose(fd);
    });
    EventLoop loop(Options(), 4);
    const auto response = Exchange(loop, Get(server.endpoint(), "PUT", body));
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.failure.has_value(), status == 200);
  }
}

TEST_P(EventLoopTest, RedirectsAreNotFollowed) {
  RawServer other([](int fd) { ReadRequest(fd); });
  RawServer server([&](int fd) {
    ReadRequest(fd);
    Say(fd, "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:" + std::to_string(other.endpoint().port) +
                "/\r\nContent-Length: 0\r\n\r\n");
  });
  EventLoop loop(Options(), 4);
  EXPECT_EQ(Exchange(loop, Get(server.endpoint(), "PUT", "x")).status, 307);
  EXPECT_EQ(other.connections, 0);
}

TEST_P(EventLoopTest, AbortCancelsExchangesInFlightAndLaterOnes) {
  std::atomic<EventLoop*> running{nullptr};
  RawServer server([&](int fd) {
    ReadRequest(fd);
    running.load()->Abort();
    AwaitClientClose(fd);
  });
  EventLoop loop(Options(), 4);
  running = &loop;
  for (int i = 0; i < 2; ++i) {
    const auto response = Exchange(loop, Get(server.endpoint(), "PUT", "x"));
    ASSERT_TRUE(response.failure);
    EXPECT_EQ(response.failure->kind, ErrorKind::kCancelled);
  }
}

TEST_P(EventLoopTest, SleepsEndInOrderAndWhenCancelled) {
  EventLoop loop(Options(), 4);
  BlockingWaiter waiter;
  const auto start = std::chrono::steady_clock::now();
  waiter.Wait([&](Wake wake) { loop.WakeAfter(milliseconds(20), wake); });
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
  std::thread sleeper([&] { waiter.Wait([&](Wake wake) { loop.WakeAfter(std::chrono::hours(1), wake); }); });
  loop.CancelSleeps();
  sleeper.join();
  waiter.Wait([&](Wake wake) { loop.WakeAfter(std::chrono::hours(1), wake); });
}

TEST_P(EventLoopTest, ManyThreadsShareOneLoop) {
  endpoint::ServerOptions options;
  options.buckets = {"bucket"};
  endpoint::Server server(options);
  const auto endpoint = ParseEndpoint(server.endpoint()).value();
  EventLoop loop(Options(), 16);
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

INSTANTIATE_TEST_SUITE_P(Transports, EventLoopTest, test::kBothTransports, test::KindName);

}  // namespace event_loop_test
}  // namespace s3
