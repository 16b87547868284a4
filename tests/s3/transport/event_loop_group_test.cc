#include "s3/transport/event_loop_group.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/support/raw_server.h"

namespace s3 {
namespace event_loop_group_test {

using namespace std::chrono_literals;
using test::RawServer;
using test::ReadRequest;
using test::Say;

HttpRequest Put(const Endpoint& endpoint, std::string_view body) {
  HttpRequest request;
  request.method = "PUT";
  request.endpoint = endpoint;
  request.path = "/bucket/key";
  request.headers = {{"host", endpoint.HostHeader()}};
  request.body = body;
  return request;
}

// Reads requests and sends no response until Respond is called.
class SilentServer {
 public:
  SilentServer() : server_([this](int fd) { Serve(fd); }) {}

  Endpoint endpoint() const { return server_.endpoint(); }
  void AwaitRequests(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return requests_ >= count; });
  }
  void Respond() {
    std::lock_guard lock(mutex_);
    is_responding_ = true;
    changed_.notify_all();
  }

 private:
  void Serve(int fd) {
    threads_.emplace_back([this, fd = dup(fd)] {
      test::ReadCall(fd);
      {
        std::unique_lock lock(mutex_);
        ++requests_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return is_responding_; });
      }
      Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      close(fd);
    });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int requests_ = 0;
  bool is_responding_ = false;
  std::vector<std::jthread> threads_;
  RawServer server_;  // destroyed first, so that no more threads are added
};

// Several exchanges, all sent at once.
class Sent {
 public:
  Sent(Transport* transport, const Endpoint& endpoint, std::size_t count, std::size_t body_bytes = 0)
      : body_(body_bytes, 'x'), responses_(count) {
    for (auto& response : responses_) transport->Send(Put(endpoint, body_), &response, {&Sent::Count, this});
  }
  const std::vector<HttpResponse>& Await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ == responses_.size(); });
    return responses_;
  }

 private:
  static void Count(void* self) {
    auto* const sent = static_cast<Sent*>(self);
    std::lock_guard lock(sent->mutex_);
    ++sent->ended_;
    sent->changed_.notify_all();
  }

  const std::string body_;
  std::vector<HttpResponse> responses_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t ended_ = 0;
};

TEST(EventLoopGroupTest, ExchangesAreSpreadEvenly) {
  SilentServer server;
  EventLoopGroup loops(TransportOptions{}, 3, 4);
  Sent sent(&loops, server.endpoint(), 6, EventLoopGroup::kSmallBytes);
  server.AwaitRequests(6);
  EXPECT_EQ(loops.in_flight(), (std::vector{2, 2, 2}));
  server.Respond();
  for (const auto& response : sent.Await()) EXPECT_EQ(response.status, 200);
  EXPECT_EQ(loops.in_flight(), (std::vector{0, 0, 0}));
}

TEST(EventLoopGroupTest, SmallRequestsStayTogether) {
  SilentServer server;
  EventLoopGroup loops(TransportOptions{}, 2, 4);
  Sent some(&loops, server.endpoint(), EventLoopGroup::kTogether + 2);
  server.AwaitRequests(EventLoopGroup::kTogether + 2);
  EXPECT_EQ(loops.in_flight(), (std::vector{EventLoopGroup::kTogether, 2}));
  Sent more(&loops, server.endpoint(), EventLoopGroup::kTogether);
  server.AwaitRequests(2 * EventLoopGroup::kTogether + 2);
  EXPECT_EQ(loops.in_flight(), (std::vector{EventLoopGroup::kTogether + 1, EventLoopGroup::kTogether + 1}));
  server.Respond();
  some.Await();
  more.Await();
}

TEST(EventLoopGroupTest, ConsecutiveExchangesShareAConnection) {
  RawServer server([](int fd) {
    while (!ReadRequest(fd).empty()) Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  {
    EventLoopGroup loops(TransportOptions{}, 3, 4);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Sent(&loops, server.endpoint(), 1).Await()[0].status, 200);
  }
  EXPECT_EQ(server.connections, 1);
}

TEST(EventLoopGroupTest, AbortCancelsExchangesInFlightAndLaterOnes) {
  SilentServer server;
  EventLoopGroup loops(TransportOptions{}, 3, 4);
  Sent sent(&loops, server.endpoint(), 6, EventLoopGroup::kSmallBytes);
  server.AwaitRequests(6);
  loops.Abort();
  Sent late(&loops, server.endpoint(), 3, EventLoopGroup::kSmallBytes);
  for (auto* each : {&sent, &late}) {
    for (const auto& response : each->Await()) {
      ASSERT_TRUE(response.failure);
      EXPECT_EQ(response.failure->kind, ErrorKind::kCancelled);
    }
  }
  server.Respond();
}

TEST(EventLoopGroupTest, SleepsEndInTimeAndWhenCancelled) {
  EventLoopGroup loops(TransportOptions{}, 2, 4);
  BlockingWaiter waiter;
  waiter.Wait([&](Wake wake) { loops.WakeAfter(1ms, wake); });
  loops.CancelSleeps();
  waiter.Wait([&](Wake wake) { loops.WakeAfter(24h, wake); });
}

TEST(EventLoopGroupTest, TheCountFollowsCoresAndTls) {
  EXPECT_EQ(EventLoopCount(1, true), 1);
  EXPECT_EQ(EventLoopCount(2, true), 1);
  EXPECT_EQ(EventLoopCount(16, true), 8);
  EXPECT_EQ(EventLoopCount(256, true), 8);
  EXPECT_EQ(EventLoopCount(2, false), 1);
  EXPECT_EQ(EventLoopCount(16, false), 4);
  EXPECT_EQ(EventLoopCount(256, false), 4);
}

}  // namespace event_loop_group_test
}  // namespace s3
