#include "s3/transport/direct/exchange_pump.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/pool_driver.h"
#include "tests/support/raw_server.h"

namespace s3 {
namespace exchange_pump_test {

using test::PoolDriver;
using test::RawServer;
using test::ReadRequest;
using test::Say;
using Outcome = ExchangePump::Outcome;

// One exchange on one connection to a server that does what the test says.
class Pumped {
 public:
  Pumped(const RawServer& server, HttpRequest request)
      : connection(driver_.Connect(server.endpoint()).connection), exchange(options_) {
    request.endpoint = server.endpoint();
    request.path = "/bucket/key";
    EXPECT_TRUE(exchange.Prepare(request, &response, {}));
    connection->exchange = &exchange;
    exchange.Begin(Exchange::Clock::now());
    exchange.Rewind(exchange.is_worth_expecting());
  }

  Outcome Run(const ExchangePump::Work& work) {
    return pump.Run(connection, &exchange, work, Exchange::Clock::now());
  }
  // Receives until the exchange is over.
  Outcome RunToTheEnd() {
    for (;;) {
      driver_.Await(connection, Connection::kReadable | EPOLLOUT);
      const auto outcome = Run({.receive = true, .send = true});
      if (outcome != Outcome::kBlocked) return outcome;
    }
  }
  void AwaitReadable() { driver_.Await(connection, Connection::kReadable); }
  void AwaitServerClosed() { driver_.Await(connection, Connection::kPeerClosed); }

 private:
  const TransportOptions options_;
  PoolDriver driver_;

 public:
  Connection* const connection;
  HttpResponse response;
  Exchange exchange;
  ExchangePump pump;
};

HttpRequest Put(std::string_view body) {
  HttpRequest request;
  request.method = "PUT";
  request.body = body;
  return request;
}

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

TEST(ExchangePumpTest, SendsTheRequestAndReceivesTheResponse) {
  RawServer server([](int fd) {
    ASSERT_TRUE(test::ReadCall(fd));
    Say(fd, kOk);
    ReadRequest(fd);
  });
  Pumped pumped(server, Put("body"));
  EXPECT_EQ(pumped.Run({.send = true}), Outcome::kBlocked);
  EXPECT_TRUE(pumped.exchange.sent_all());
  EXPECT_EQ(pumped.RunToTheEnd(), Outcome::kResponse);
  EXPECT_EQ(pumped.response.status, 200);
}

TEST(ExchangePumpTest, AResponseBeforeTheServerClosedEndsTheConnection) {
  RawServer server([](int fd) {
    ASSERT_TRUE(test::ReadCall(fd));
    Say(fd, kOk);
  });
  Pumped pumped(server, Put("body"));
  EXPECT_EQ(pumped.Run({.send = true}), Outcome::kBlocked);
  pumped.AwaitServerClosed();
  EXPECT_EQ(pumped.Run({.receive = true, .server_closed = true}), Outcome::kResponseAndClose);
  EXPECT_EQ(pumped.response.status, 200);
}

TEST(ExchangePumpTest, AConnectionWithoutAResponseIsLost) {
  RawServer server([](int fd) { ASSERT_TRUE(test::ReadCall(fd)); });
  Pumped pumped(server, Put("body"));
  EXPECT_EQ(pumped.Run({.send = true}), Outcome::kBlocked);
  EXPECT_EQ(pumped.RunToTheEnd(), Outcome::kConnectionLost);
  EXPECT_EQ(pumped.pump.problem(), "the server closed the connection without a response");
}

TEST(ExchangePumpTest, AResponseBeforeTheRequestLosesTheConnection) {
  RawServer server([](int fd) {
    Say(fd, kOk);
    ReadRequest(fd);
  });
  Pumped pumped(server, Put("body"));
  pumped.AwaitReadable();
  EXPECT_EQ(pumped.Run({.receive = true}), Outcome::kConnectionLost);
  EXPECT_THAT(pumped.pump.problem(), testing::HasSubstr("before the request"));
}

TEST(ExchangePumpTest, ALargeBodyWaitsFor100Continue) {
  RawServer server([](int fd) {
    const auto head = ReadRequest(fd);
    EXPECT_TRUE(head.ends_with("Expect: 100-continue\r\n\r\n")) << head;
    Say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(test::ReadExactly(fd, 2 << 20));
    Say(fd, kOk);
    ReadRequest(fd);
  });
  const std::string body(2 << 20, 'x');
  Pumped pumped(server, Put(body));
  EXPECT_EQ(pumped.Run({.send = true}), Outcome::kBlocked);
  EXPECT_TRUE(pumped.exchange.sent_head());
  EXPECT_FALSE(pumped.exchange.sent_all());
  EXPECT_EQ(pumped.RunToTheEnd(), Outcome::kResponse);
  EXPECT_TRUE(pumped.exchange.sent_all());
}

TEST(ExchangePumpTest, ALargeBodyIsSentWithout100ContinueOnDemand) {
  RawServer server([](int fd) {
    const auto call = test::ReadCall(fd);
    EXPECT_TRUE(call && call->body.size() == 2 << 20);
    Say(fd, kOk);
    ReadRequest(fd);
  });
  const std::string body(2 << 20, 'x');
  Pumped pumped(server, Put(body));
  EXPECT_EQ(pumped.Run({.send = true}), Outcome::kBlocked);
  EXPECT_EQ(pumped.Run({.receive = true, .stop_awaiting_continue = true}), Outcome::kBlocked);
  EXPECT_FALSE(pumped.exchange.awaits_continue());
  EXPECT_EQ(pumped.RunToTheEnd(), Outcome::kResponse);
}

TEST(ExchangePumpTest, ABodyThatCannotBeReadEndsTheExchange) {
  RawServer server([](int fd) { ReadRequest(fd); });
  const UniqueFd directory(open("/", O_RDONLY | O_CLOEXEC));
  auto request = Put("");
  request.body_file = {directory.get(), 0, 10};
  Pumped pumped(server, request);
  EXPECT_EQ(pumped.Run({.send = true}), Outcome::kFileUnreadable);
  EXPECT_EQ(pumped.connection->FileError(pumped.exchange.UnsentFile()).kind, ErrorKind::kLocal);
}

}  // namespace exchange_pump_test
}  // namespace s3
