// What both transports say about an exchange while it goes on.
#include "s3/transport/exchange_base.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>

#include "s3/base/slot_time.h"
#include "s3/base/waiter.h"
#include "s3/transport/event_loop.h"
#include "tests/support/both_transports.h"
#include "tests/support/raw_server.h"

namespace s3 {
namespace exchange_base_test {

using Clock = SlotTime::Clock;

class ExchangeStateTest : public test::BothTransports {
 protected:
  int SlotsIn(SlotState state) const {
    const auto now = Clock::now();
    return SlotTimeReader(&account_, now).Read(now).slots[state];
  }
  void Await(SlotState state) const {
    while (SlotsIn(state) != 1) std::this_thread::yield();
  }
  HttpResponse Send(EventLoop* loop, HttpRequest request) {
    HttpResponse response;
    BlockingWaiter(&account_).Wait(SlotState::kConnecting,
                                   [&](Wake wake) { loop->Send(std::move(request), &response, wake); });
    return response;
  }
  static HttpRequest Put(const Endpoint& endpoint, std::string_view body) {
    HttpRequest request;
    request.method = "PUT";
    request.endpoint = endpoint;
    request.path = "/bucket/key";
    request.body = body;
    return request;
  }

  SlotTime account_;
};

// The server goes on only when the exchange has reached the state.
TEST_P(ExchangeStateTest, FollowsTheExchange) {
  const std::string body(16 << 20, 'x');  // more than the sockets' buffers
  test::RawServer server([&](int fd) {
    test::ReadRequest(fd);
    test::Say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    Await(SlotState::kSending);
    EXPECT_TRUE(test::ReadExactly(fd, body.size()));
    Await(SlotState::kFirstByte);
    test::Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    Await(SlotState::kReceiving);
    test::Say(fd, "k");
  });
  server.TakeLittle();
  EventLoop loop(Options(), 4);
  account_.Enter(SlotState::kCpu, 1, Clock::now());
  const auto response = Send(&loop, Put(server.endpoint(), body));
  EXPECT_EQ(response.body, "ok");
  EXPECT_GT(response.took.count(), 0);
  EXPECT_EQ(SlotsIn(SlotState::kCpu), 1) << "the task runs again";
}

TEST_P(ExchangeStateTest, WaitsForTheResponseToASmallRequest) {
  test::RawServer server([&](int fd) {
    test::ReadRequest(fd);
    Await(SlotState::kFirstByte);
    test::Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  EventLoop loop(Options(), 4);
  account_.Enter(SlotState::kCpu, 1, Clock::now());
  EXPECT_EQ(Send(&loop, Put(server.endpoint(), "body")).status, 200);
  EXPECT_EQ(SlotsIn(SlotState::kCpu), 1);
}

TEST_P(ExchangeStateTest, ARequestThatIsNotSentLeavesTheTaskRunning) {
  EventLoop loop(Options(), 4);
  account_.Enter(SlotState::kCpu, 1, Clock::now());
  auto request = Put({"http", "127.0.0.1", 1}, "");
  request.headers = {{"x-amz-meta-a", "a\r\nb"}};
  EXPECT_TRUE(Send(&loop, std::move(request)).failure);
  EXPECT_EQ(SlotsIn(SlotState::kCpu), 1);
}

INSTANTIATE_TEST_SUITE_P(Transports, ExchangeStateTest, test::kBothTransports, test::KindName);

}  // namespace exchange_base_test
}  // namespace s3
