// The libcurl transport through proxies: forwarding, tunnels, authentication, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "s3/base/waiter.h"
#include "s3/transport/event_loop.h"
#include "s3/transport/transport_choice.h"
#include "tests/support/peer_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace proxy_test {

using test::HttpCall;
using test::Peer;
using test::PeerServer;
using testing::HasSubstr;

// A proxy that responds with the result of a function, and records the requests.
class Proxy {
 public:
  explicit Proxy(std::function<std::string(const HttpCall&)> answer, bool tls = false)
      : server_(tls, [this, answer = std::move(answer)](Peer& peer) {
          while (auto call = peer.ReadHead()) {
            if (!call->Header("expect").empty()) peer.Say("HTTP/1.1 100 Continue\r\n\r\n");
            if (call->method != "CONNECT" && !peer.ReadBody(&*call)) return;
            {
              std::lock_guard lock(mutex_);
              calls_.push_back(*call);
            }
            peer.Say(answer(*call));
          }
        }) {}

  std::string url(const std::string& user = "") const {
    return server_.endpoint().scheme + "://" + user + server_.endpoint().HostAndPort();
  }
  std::string ca_file() const { return server_.ca_file(); }
  std::vector<HttpCall> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<HttpCall> calls_;
  PeerServer server_;
};

const std::string kOk = "HTTP/1.1 200 OK\r\nx-amz-request-id: 1\r\nContent-Length: 0\r\n\r\n";

const std::string kWantsDigest =
    "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n"
    "Content-Length: 3\r\n\r\nwho";

TransportOptions Through(const std::string& proxy, const std::string& ca_file = "") {
  TransportOptions options;
  options.kind = TransportKind::kLibcurl;
  options.proxy.url = Secret(proxy);
  options.tls.ca_file = ca_file;
  return options;
}

HttpRequest Request(const Endpoint& endpoint, std::string_view body) {
  HttpRequest request;
  request.method = "PUT";
  request.endpoint = endpoint;
  request.path = "/b/./k%20k";
  request.query = {{"partNumber", "1"}};
  request.headers = {{"host", endpoint.HostHeader()}, {"authorization", "AWS4-HMAC-SHA256 secret"}};
  request.body = body;
  return request;
}

HttpResponse Send(EventLoop& loop, HttpRequest request) {
  HttpResponse response;
  BlockingWaiter().Wait([&](Wake wake) { loop.Send(std::move(request), &response, wake); });
  return response;
}

HttpResponse Put(const std::string& proxy, const Endpoint& endpoint, const std::string& body = "body") {
  EventLoop loop(Through(proxy), 4);
  return Send(loop, Request(endpoint, body));
}

const Endpoint kStore{"http", "store.invalid", 80};

TEST(ProxyTest, AnHttpRequestIsForwarded) {
  Proxy proxy([](const HttpCall&) { return kOk; });
  const auto response = Put(proxy.url(), kStore);
  ASSERT_FALSE(response.failure) << response.failure->message;
  EXPECT_EQ(response.status, 200);
  const auto calls = proxy.calls();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].method, "PUT");
  EXPECT_EQ(calls[0].target, "http://store.invalid/b/./k%20k?partNumber=1");
  EXPECT_EQ(calls[0].body, "body");
  EXPECT_EQ(calls[0].Header("authorization"), "AWS4-HMAC-SHA256 secret");
  EXPECT_EQ(calls[0].Header("host"), "store.invalid");
}

TEST(ProxyTest, AUserIsSentWithTheBasicSchemeAtOnce) {
  Proxy proxy([](const HttpCall&) { return kOk; });
  EXPECT_EQ(Put(proxy.url("user:password@"), kStore).status, 200);
  ASSERT_EQ(proxy.calls().size(), 1u);
  EXPECT_EQ(proxy.calls()[0].Header("proxy-authorization"), "Basic dXNlcjpwYXNzd29yZA==");
}

TEST(ProxyTest, AProxyThatWantsDigestGetsIt) {
  for (const std::size_t bytes : {4u, 3u << 20}) {
    Proxy proxy([](const HttpCall& call) {
      return call.Header("proxy-authorization").starts_with("Digest ") ? kOk : kWantsDigest;
    });
    const auto response = Put(proxy.url("user:password@"), kStore, std::string(bytes, 'x'));
    ASSERT_FALSE(response.failure) << response.failure->message;
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(proxy.calls().back().body.size(), bytes);
  }
}

// The first responses come only when both requests have arrived, so both connections get a 407.
TEST(ProxyTest, EachOfTwoRequestsInFlightGetsItsDigest) {
  std::mutex mutex;
  std::condition_variable arrived;
  int refusals = 0;
  Proxy proxy([&](const HttpCall& call) {
    if (call.Header("proxy-authorization").starts_with("Digest ")) return kOk;
    std::unique_lock lock(mutex);
    ++refusals;
    arrived.notify_all();
    arrived.wait(lock, [&] { return refusals >= 2; });
    return kWantsDigest;
  });
  EventLoop loop(Through(proxy.url("user:password@")), 4, 4);
  HttpResponse first, second;
  std::thread other([&] { first = Send(loop, Request(kStore, "first")); });
  second = Send(loop, Request(kStore, "second"));
  other.join();
  EXPECT_GE(refusals, 2);
  for (const auto* response : {&first, &second}) {
    EXPECT_FALSE(response->failure) << response->failure->message;
    EXPECT_EQ(response->status, 200);
  }
}

// With TLS to the proxy, the counters of the socket also count the bytes of TLS.
TEST(ProxyTest, AnHttpsProxyForwardsALargeBody) {
  Proxy proxy([](const HttpCall&) { return kOk; }, true);
  EventLoop loop(Through(proxy.url(), proxy.ca_file()), 4);
  const std::string body(3 << 20, 'x');
  for (int i = 0; i < 3; ++i) {
    const auto response = Send(loop, Request(kStore, body));
    ASSERT_FALSE(response.failure) << response.failure->message;
    EXPECT_EQ(response.status, 200);
  }
  ASSERT_EQ(proxy.calls().size(), 3u);
  EXPECT_EQ(proxy.calls().back().body.size(), body.size());
}

// There is no Kerberos ticket. A scheme that libcurl cannot speak must end as a refusal, too.
TEST(ProxyTest, ASchemeThatWeCannotSpeakIsARefusal) {
  for (const char* scheme : {"Negotiate", "Unknown x=\"y\""}) {
    Proxy proxy([&](const HttpCall&) {
      return std::string("HTTP/1.1 407 Who\r\nProxy-Authenticate: ") + scheme +
             "\r\nContent-Length: 0\r\n\r\n";
    });
    for (const auto& endpoint : {kStore, Endpoint{"https", "store.invalid", 443}}) {
      const auto response = Put(proxy.url("user:password@"), endpoint);
      ASSERT_TRUE(response.failure) << scheme;
      EXPECT_EQ(response.failure->kind, ErrorKind::kWrongEndpoint) << response.failure->message;
      EXPECT_THAT(response.failure->message, HasSubstr("HTTP 407"));
    }
    EXPECT_LE(proxy.calls().size(), 8u);
  }
}

// The tests of the command line check the same for the direct transport.
TEST(ProxyTest, AConnectHasNoneOfOurHeaders) {
  Proxy proxy([](const HttpCall&) { return "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"; });
  const auto response = Put(proxy.url("user:password@"), {"https", "store.invalid", 443});
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kWrongEndpoint);
  EXPECT_THAT(response.failure->message, HasSubstr("HTTP 403"));
  ASSERT_EQ(proxy.calls().size(), 1u);
  EXPECT_EQ(proxy.calls()[0].method, "CONNECT");
  EXPECT_EQ(proxy.calls()[0].Header("authorization"), "");
}

TEST(ProxyTest, ARefusalOfTheProxyIsNotTheStores) {
  const auto answer = [](std::string status, std::string headers = "", std::string body = "") {
    Proxy proxy([&](const HttpCall&) {
      return "HTTP/1.1 " + status + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body;
    });
    return Put(proxy.url(), kStore);
  };
  for (const char* status : {"403", "407"}) {
    const auto response = answer(status, "", "<html>no</html>");
    ASSERT_TRUE(response.failure) << status;
    EXPECT_EQ(response.failure->kind, ErrorKind::kWrongEndpoint);
    EXPECT_THAT(response.failure->message, HasSubstr(std::string("the proxy answered HTTP ") + status));
  }
  EXPECT_FALSE(answer("403", "", "<Error><Code>AccessDenied</Code></Error>").failure);
  EXPECT_FALSE(answer("403", "x-amz-request-id: 1\r\n").failure);
  EXPECT_EQ(answer("502").status, 502);  // retried, no matter whether the proxy or the store sent it
}

TEST(ProxyTest, AProxyThatResetsTheConnectionIsAskedWithExpect) {
  std::atomic<int> resets{0};
  PeerServer proxy(false, [&](Peer& peer) {
    const auto call = peer.ReadHead();
    if (call && !call->Header("expect").empty()) {
      peer.Say("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    ++resets;
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  });
  const auto response = Put("http://" + proxy.endpoint().HostAndPort(), kStore);
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kWrongEndpoint);
  EXPECT_THAT(response.failure->message, HasSubstr("HTTP 403"));
  EXPECT_EQ(resets, 1);
}

TEST(ProxyTest, AProxyThatRefusesExpectAndResetsAllElseEndsTheRequest) {
  PeerServer proxy(false, [&](Peer& peer) {
    const auto call = peer.ReadHead();
    if (call && !call->Header("expect").empty()) {
      peer.Say("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(peer.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  });
  const auto response = Put("http://" + proxy.endpoint().HostAndPort(), kStore);
  ASSERT_TRUE(response.failure);
  EXPECT_EQ(response.failure->kind, ErrorKind::kTransient);
  EXPECT_LE(proxy.connections, 4);
}

TEST(ProxyTest, ARefusalCountsAlthoughItsEndIsCutOff) {
  for (const char* status : {"401", "407"}) {
    PeerServer proxy(false, [&](Peer& peer) {
      const auto call = peer.ReadHead();
      peer.Say(std::string("HTTP/1.1 ") + status + " No\r\nContent-Length: 100\r\n\r\n<html>");
    });
    const auto response = Put("http://" + proxy.endpoint().HostAndPort(), kStore);
    ASSERT_TRUE(response.failure) << status;
    EXPECT_EQ(response.failure->kind, ErrorKind::kWrongEndpoint) << response.failure->message;
  }
}

TEST(ProxyTest, AProxyThatSaysNothingOrGarbageIsATransientFailure) {
  for (const char* text : {"", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}) {
    PeerServer proxy(false, [&](Peer& peer) {
      auto call = peer.ReadHead();
      peer.Say(text);
    });
    const auto response = Put("http://" + proxy.endpoint().HostAndPort(), kStore);
    ASSERT_TRUE(response.failure) << text;
    EXPECT_EQ(response.failure->kind, ErrorKind::kTransient) << text;
  }
}

TEST(ProxyTest, ASocksProxyGetsASocksGreeting) {
  std::atomic<char> version = 0;  // the first byte of a greeting (RFC 1928, section 3)
  PeerServer proxy(false, [&](Peer& peer) {
    char hello[3];
    EXPECT_EQ(read(peer.fd(), hello, sizeof hello), 3);
    version = hello[0];
  });
  EXPECT_TRUE(Put("socks5h://" + proxy.endpoint().HostAndPort(), kStore).failure);
  EXPECT_EQ(version, 5);
}

TEST(TransportChoiceTest, LibcurlIsChosenWhereAProxyNeedsIt) {
  const Endpoint http{"http", "h", 80}, https{"https", "h", 443};
  const auto choose = [](const Endpoint& endpoint, const char* proxy,
                         TransportKind kind = TransportKind::kAuto) {
    TransportOptions options;
    options.kind = kind;
    options.proxy.from_environment = false;
    options.proxy.url = Secret(proxy);
    return ChooseTransport(options, endpoint).kind;
  };
  EXPECT_EQ(choose(http, ""), TransportKind::kDirect);
  EXPECT_EQ(choose(https, ""), TransportKind::kDirect);
  EXPECT_EQ(choose(http, "http://p:1"), TransportKind::kLibcurl);
  EXPECT_EQ(choose(https, "http://p:1"), TransportKind::kDirect);
  EXPECT_EQ(choose(https, "http://u:p@p:1"), TransportKind::kLibcurl);
  EXPECT_EQ(choose(https, "http://u:p@p:1", TransportKind::kDirect), TransportKind::kDirect);
  EXPECT_EQ(choose(http, "", TransportKind::kLibcurl), TransportKind::kLibcurl);
}

}  // namespace proxy_test
}  // namespace s3
