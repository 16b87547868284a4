#include "s3/transport/direct/exchange.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

namespace s3 {
namespace exchange_test {

using namespace std::chrono_literals;
using Clock = Exchange::Clock;
using State = ResponseParser::State;

HttpRequest Request(std::string method, std::string_view body = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.endpoint = {"http", "h", 80};
  request.path = "/k";
  request.body = body;
  return request;
}

class ExchangeTest : public testing::Test {
 protected:
  void Prepare(const HttpRequest& request, bool expect_continue = false) {
    ASSERT_TRUE(exchange_.Prepare(request, &response_, {}));
    exchange_.Begin(now_);
    exchange_.Rewind(expect_continue);
  }
  // Returns all bytes that may be sent now.
  std::string Unsent() const {
    std::array<iovec, 8> room;
    std::string text;
    for (const auto& piece : exchange_.Unsent(room)) {
      text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    return text;
  }
  void SendAll() { exchange_.Sent(Unsent().size(), now_); }

  TransportOptions options_;
  const Clock::time_point now_ = Clock::now();
  HttpResponse response_;
  Exchange exchange_{options_};
};

TEST_F(ExchangeTest, WritesTheHeadAndThenTheBody) {
  auto request = Request("PUT", "body");
  request.query = {{"partNumber", "1"}};
  request.headers = {{"x-amz-meta-a", "b"}, {"x-amz-empty", ""}};
  Prepare(request);
  EXPECT_EQ(Unsent(),
            "PUT /k?partNumber=1 HTTP/1.1\r\nx-amz-meta-a: b\r\nx-amz-empty:\r\nhost: h\r\n"
            "User-Agent: s3flow/" S3FLOW_VERSION "\r\nContent-Length: 4\r\n\r\nbody");
}

TEST_F(ExchangeTest, RefusesARequestWithoutAValidHead) {
  auto request = Request("PUT");
  request.headers = {{"x-amz-meta-a", "b\r\nx-amz-acl: public-read"}};
  EXPECT_FALSE(exchange_.Prepare(request, &response_, {}));
  ASSERT_TRUE(response_.failure);
  EXPECT_EQ(response_.failure->kind, ErrorKind::kPermanent);
}

TEST_F(ExchangeTest, ContinuesWhereTheLastSendEnded) {
  Prepare(Request("PUT", "body"));
  const auto all = Unsent();
  for (std::size_t sent = 0; sent < all.size(); ++sent) {
    ASSERT_EQ(Unsent(), all.substr(sent));
    ASSERT_FALSE(exchange_.sent_all());
    exchange_.Sent(1, now_);
  }
  EXPECT_TRUE(exchange_.sent_all());
  exchange_.Rewind(false);
  EXPECT_EQ(Unsent(), all);
}

TEST_F(ExchangeTest, ABodyFromAFileFollowsTheHead) {
  auto request = Request("PUT");
  request.body_file = {7, 100, 50};
  Prepare(request);
  EXPECT_EQ(exchange_.UnsentFile().bytes, 0u);
  SendAll();
  exchange_.Sent(20, now_);
  EXPECT_EQ(exchange_.UnsentFile().fd, 7);
  EXPECT_EQ(exchange_.UnsentFile().offset, 120u);
  EXPECT_EQ(exchange_.UnsentFile().bytes, 30u);
  exchange_.Sent(30, now_);
  EXPECT_TRUE(exchange_.sent_all());
}

TEST_F(ExchangeTest, TheBodyWaitsFor100Continue) {
  Prepare(Request("PUT", "body"), true);
  EXPECT_TRUE(Unsent().ends_with("Expect: 100-continue\r\n\r\n"));
  EXPECT_FALSE(exchange_.HasContinueTimedOut(now_ + 1h));  // the head is not sent yet
  SendAll();
  EXPECT_EQ(Unsent(), "");
  EXPECT_FALSE(exchange_.HasContinueTimedOut(now_ + Exchange::kContinueTimeout));
  EXPECT_TRUE(exchange_.HasContinueTimedOut(now_ + Exchange::kContinueTimeout + 1ms));
  EXPECT_EQ(exchange_.Received("HTTP/1.1 100 Continue\r\n\r\n", true, now_), State::kInterim);
  EXPECT_FALSE(exchange_.HasContinueTimedOut(now_ + 1h));
  EXPECT_EQ(Unsent(), "body");
}

TEST_F(ExchangeTest, ASuccessBeforeTheWholeRequestIsAFailureAndARefusalIsNot) {
  for (const bool is_success : {true, false}) {
    Prepare(Request("PUT", "body"));
    const std::string head = is_success ? "HTTP/1.1 200 OK" : "HTTP/1.1 403 No";
    EXPECT_EQ(exchange_.Received(head + "\r\nContent-Length: 0\r\n\r\n", true, now_), State::kComplete);
    EXPECT_FALSE(exchange_.leaves_connection_usable());
    response_.failure.reset();
    exchange_.Complete();
    EXPECT_EQ(response_.failure.has_value(), is_success);
  }
}

TEST_F(ExchangeTest, StallsWhenTooFewBytesMoveInAWindow) {
  options_.stall_window = 10s;
  options_.stall_bytes = 5;
  Prepare(Request("PUT", std::string_view("0123456789")));
  EXPECT_FALSE(exchange_.HasStalled(now_ + 10s));
  exchange_.Sent(5, now_);
  EXPECT_FALSE(exchange_.HasStalled(now_ + 11s));  // begins the next window
  exchange_.Sent(4, now_);
  EXPECT_FALSE(exchange_.HasStalled(now_ + 21s));
  EXPECT_TRUE(exchange_.HasStalled(now_ + 22s));
}

TEST_F(ExchangeTest, ACompletionMayBeSilentForLonger) {
  options_.stall_window = 10s;
  options_.completion_window = 60s;
  auto request = Request("POST", "<parts/>");
  request.responds_late = true;
  Prepare(request);
  exchange_.HasStalled(now_);
  SendAll();
  EXPECT_FALSE(exchange_.HasStalled(now_));
  EXPECT_FALSE(exchange_.HasStalled(now_ + 60s));
  EXPECT_TRUE(exchange_.HasStalled(now_ + 61s));
}

TEST_F(ExchangeTest, TheResponseTimeBeginsWithItsFirstByte) {
  options_.response_timeout = 10s;
  Prepare(Request("GET"));
  SendAll();
  EXPECT_FALSE(exchange_.IsOverdue(now_ + 1h));
  exchange_.Received("HTTP/1.1", false, now_ + 1h);
  EXPECT_FALSE(exchange_.IsOverdue(now_ + 1h + 10s));
  EXPECT_TRUE(exchange_.IsOverdue(now_ + 1h + 11s));
}

TEST_F(ExchangeTest, ATlsAlertIsRecognised) {
  Prepare(Request("GET"));
  SendAll();
  EXPECT_EQ(exchange_.Received("\x15\x03\x01", false, now_), State::kMalformed);
  EXPECT_TRUE(exchange_.met_tls());
  EXPECT_NE(exchange_.problem().find("https://"), std::string::npos);
}

// A finished exchange keeps its head until the next request overwrites it.
TEST_F(ExchangeTest, ForgetOverwritesAHeadWithSecrets) {
  auto request = Request("PUT");
  request.headers = {{"x-amz-meta-a", "open"}};
  request.secret_headers = {{"x-amz-security-token", Secret("canary-token")}};
  Prepare(request);
  std::array<iovec, 4> room;
  const auto head = exchange_.Unsent(room)[0];
  const auto sent = Unsent();
  EXPECT_NE(sent.find("x-amz-security-token: canary-token\r\n"), std::string::npos) << sent;
  EXPECT_NE(sent.find("x-amz-meta-a: open\r\n"), std::string::npos) << sent;
  exchange_.Forget();
  EXPECT_EQ(memmem(head.iov_base, head.iov_len, "canary", 6), nullptr);
}

}  // namespace exchange_test
}  // namespace s3
