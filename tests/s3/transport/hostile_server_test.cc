// Servers that respond too early, twice or without end: no failure looks like a success, and each exchange
// ends by itself within its memory limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "s3/credentials/providers/context.h"
#include "s3/transport/event_loop.h"
#include "tests/support/both_transports.h"
#include "tests/support/peer_server.h"

namespace s3 {
namespace hostile_server_test {

using std::chrono::milliseconds;
using test::HttpCall;
using test::Peer;
using test::PeerServer;
using test::RawServer;
using test::ReadRequest;
using test::Say;
using testing::HasSubstr;

HttpRequest Request(const Endpoint& endpoint, std::string method = "GET", std::string_view body = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.endpoint = endpoint;
  request.path = "/bucket/key";
  request.body = body;
  return request;
}

HttpResponse Exchange(EventLoop& loop, const HttpRequest& request) {
  HttpResponse response;
  BlockingWaiter().Wait([&](Wake wake) { loop.Send(HttpRequest(request), &response, wake); });
  return response;
}

std::string Failure(const HttpResponse& response) {
  return response.failure ? response.failure->message : "none";
}

// Sends `text` again and again with pauses, until the client closes the connection.
void Trickle(int fd, const std::string& text, int pause_ms = 10) {
  for (pollfd client{fd, POLLRDHUP, 0};;) {
    if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) return;
    if (poll(&client, 1, pause_ms) != 0) return;
  }
}

// Sends `text` again and again without pauses, until the client closes the connection. Returns the bytes
// sent.
std::size_t Flood(int fd, const std::string& text) {
  std::size_t sent = 0;
  for (ssize_t written; (written = send(fd, text.data(), text.size(), MSG_NOSIGNAL)) > 0;)
    sent += static_cast<std::size_t>(written);
  return sent;
}

std::string Times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

class HostileServerTest : public test::BothTransports {};

// Our kernel has taken the whole body, but the server has read little of it.
TEST_P(HostileServerTest, ASuccessBeforeTheBodyHasArrivedIsAFailure) {
  for (const int status : {200, 403}) {
    std::atomic<bool> ended{false};
    RawServer server([&](int fd) {
      ReadRequest(fd);
      Say(fd, "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n");
      ended.wait(false);
    });
    server.TakeLittle();
    EventLoop loop(Options(), 4);
    const std::string body(96 << 10, 'x');
    const auto response = Exchange(loop, Request(server.endpoint(), "PUT", body));
    ended = true;
    ended.notify_all();
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(Failure(response), status == 403
                                     ? "none"
                                     : server.endpoint().HostAndPort() +
                                           ": the server reported success before the whole body was sent");
  }
}

TEST_P(HostileServerTest, AResponseBeforeTheHeadIsSentIsNoResponse) {
  if (!IsDirect())
    GTEST_SKIP() << "libcurl refuses a head above 1 MiB; the kernel takes a shorter one at once";
  std::atomic<bool> ended{false};
  RawServer server([&](int fd) {
    char some[4096];
    EXPECT_GT(read(fd, some, sizeof some), 0);
    Say(fd, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    ended.wait(false);
  });
  EventLoop loop(Options(), 4);
  auto request = Request(server.endpoint(), "PUT");
  request.headers = {{"x-amz-meta-large", std::string(32 << 20, 'x')}};
  const auto response = Exchange(loop, request);
  ended = true;
  ended.notify_all();
  EXPECT_THAT(Failure(response), HasSubstr("a response came before the request"));
}

// A guard counts TLS records without data. Records with data are no reason to end the connection.
TEST_P(HostileServerTest, AResponseOfManyTlsRecordsIsComplete) {
  constexpr int kRecords = 1000;
  PeerServer server(true, [&](Peer& peer) {
    while (peer.ReadHead()) {
      peer.Say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kRecords) + "\r\n\r\n");
      for (int i = 0; i < kRecords; ++i) peer.Say("x");
    }
  });
  auto options = Options();
  options.tls.ca_file = server.ca_file();
  EventLoop loop(options, 4);
  for (int i = 0; i < 3; ++i) {
    const auto response = Exchange(loop, Request(server.endpoint()));
    EXPECT_EQ(Failure(response), "none");
    EXPECT_EQ(response.body.size(), kRecords);
  }
}

// The second copy of a response arrives late, when it could pass for the next response.
TEST_P(HostileServerTest, ARepeatedResponseIsNoResponse) {
  const auto with_id = [](const std::string& id) {
    return "HTTP/1.1 200 OK\r\nx-amz-request-id: " + id + "\r\nContent-Length: 0\r\n\r\n";
  };
  const auto failures = [&](std::vector<std::string> ids) {
    std::atomic<std::size_t> next{0};
    PeerServer server(false, [&](Peer& peer) {
      while (peer.ReadHead()) peer.Say(with_id(ids[next++ % ids.size()]));
    });
    EventLoop loop(Options(), 4);
    std::string seen;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto response = Exchange(loop, Request(server.endpoint()));
      EXPECT_TRUE(!response.failure || response.failure->kind == ErrorKind::kTransient);
      seen += response.failure ? 'x' : '.';
    }
    return seen;
  };
  EXPECT_EQ(failures({"1", "2", "2", "3", "4", "4"}), "..x..x");
  EXPECT_EQ(failures({"same", "same", "same", "same"}),
            "....");                                  // this server gives all responses the same id
  EXPECT_EQ(failures({"1", "1", "2", "2"}), "...x");  // compared only after two ids in a row have differed
  EXPECT_EQ(failures({"1", "2", "1", "2"}), "....");
}

// The continue timeout begins when the head is sent on this connection, not when it was sent on the
// connection before.
TEST_P(HostileServerTest, TheContinueTimeoutDoesNotRunWhileConnecting) {
  std::atomic<int> connections{0};
  PeerServer server(
      true,
      [&](Peer& peer) {
        auto call = peer.ReadHead();
        if (!call->Header("expect").empty()) return peer.Say("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
        peer.ReadBody(&*call);
        peer.Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      },
      [&] {
        pollfd never{-1, 0, 0};
        if (++connections == 2) poll(&never, 1, static_cast<int>(milliseconds(1'300).count()));
        return "";
      });
  auto options = Options();
  options.tls.ca_file = server.ca_file();
  EventLoop loop(options, 4);
  const std::string body(2 << 20, 'x');
  EXPECT_EQ(Failure(Exchange(loop, Request(server.endpoint(), "PUT", body))), "none");
  EXPECT_EQ(connections, 2);
}

TEST_P(HostileServerTest, AResponseThatTricklesEndsAtTheResponseTimeout) {
  const std::pair<const char*, std::pair<std::string, std::string>> cases[] = {
      {"a body", {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x"}},
      {"a body without an end", {"HTTP/1.1 200 OK\r\n\r\n", "x"}},
      {"chunks", {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"}},
      {"a header", {"HTTP/1.1 200 OK\r\nX: ", "x"}},
      {"interim responses", {"HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n"}}};
  for (const auto& [what, text] : cases) {
    RawServer server([&text = text](int fd) {
      ReadRequest(fd);
      Say(fd, text.first);
      Trickle(fd, text.second);
    });
    auto options = Options();
    options.response_timeout = milliseconds(200);
    EventLoop loop(options, 4);
    const auto response = Exchange(loop, Request(server.endpoint()));
    EXPECT_THAT(Failure(response), HasSubstr("did not end its response within 200 ms")) << what;
    EXPECT_EQ(response.failure->kind, ErrorKind::kTransient);
  }
}

TEST_P(HostileServerTest, SilenceBeforeTheResponseDoesNotCountAsResponseTime) {
  RawServer server([](int fd) {
    ReadRequest(fd);
    pollfd never{-1, 0, 0};
    poll(&never, 1, 300);
    Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  auto options = Options();
  options.response_timeout = milliseconds(100);
  EventLoop loop(options, 4);
  EXPECT_EQ(Failure(Exchange(loop, Request(server.endpoint()))), "none");
}

TEST_P(HostileServerTest, BytesReceivedBeforeTheBodyIsSentAreNoProgress) {
  for (const bool interim : {true, false}) {
    RawServer server([&](int fd) {
      ReadRequest(fd);
      Say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
      if (interim) return Trickle(fd, "HTTP/1.1 102 Processing\r\n\r\n");
      Say(fd, "HTTP/1.1 403 No\r\nContent-Length: 1000000\r\n\r\n");
      Trickle(fd, "x");
    });
    auto options = Options();
    options.stall_window = milliseconds(200);
    EventLoop loop(options, 4);
    const std::string body(64 << 20, 'x');
    EXPECT_THAT(Failure(Exchange(loop, Request(server.endpoint(), "PUT", body))),
                HasSubstr("fewer than 1 bytes"));
  }
}

TEST_P(HostileServerTest, AFloodOfBytesBesidesTheBodyEndsTheExchange) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::pair<const char*, std::pair<std::string, std::string>> cases[] = {
      {"a chunk's extension", {chunked + "1;x=", Times(1000, "x")}},
      {"the last chunk's extension", {chunked + "0;x=", Times(1000, "x")}},
      {"extensions of chunks", {chunked, "1;x=" + Times(1000, "y") + "\r\nx\r\n"}},
      {"trailers", {chunked + "0\r\n", Times(50, "X-Trailer: x\r\n")}},
      {"one trailer", {chunked + "0\r\nX: ", Times(1000, "x")}},
      {"interim responses", {"", Times(50, "HTTP/1.1 103 Early Hints\r\n\r\n")}},
      {"headers of interim responses",
       {"", "HTTP/1.1 103 Early Hints\r\nLink: " + Times(1000, "x") + "\r\n\r\n"}},
      {"white space before the status line", {"", Times(500, "\r\n")}},
      {"a reason", {"HTTP/1.1 200 ", Times(1000, "x")}},
      {"a status line's digits", {"HTTP/1.1 2", Times(1000, "0")}},
      {"nothing of HTTP", {"", Times(1000, "x")}},
      {"a body without an end", {"HTTP/1.1 200 OK\r\n\r\n", Times(1000, "x")}},
      {"a huge body", {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", Times(1000, "x")}},
      {"a huge chunk", {chunked + "ffffffffffffffff\r\n", Times(1000, "x")}},
  };
  for (const auto& [what, text] : cases) {
    std::atomic<std::size_t> taken{0};
    {
      RawServer server([&text = text, &taken](int fd) {
        ReadRequest(fd);
        Say(fd, text.first);
        taken += Flood(fd, text.second);
      });
      EventLoop loop(Options(), 4);
      const auto response = Exchange(loop, Request(server.endpoint()));
      EXPECT_TRUE(response.failure || response.body_truncated) << what;
      EXPECT_LE(response.body.size(), HttpResponse::kMaxBodyBytes) << what;
      EXPECT_LE(response.headers.size_bytes(), HttpResponse::kMaxHeaderBytes) << what;
    }
    // The bound includes the buffers of both kernels.
    EXPECT_LT(taken, 32u << 20) << what;
  }
}

// The connect timeout covers the TLS handshake, too.
TEST_P(HostileServerTest, AHandshakeThatTricklesEndsAtTheConnectTimeout) {
  RawServer server([](int fd) {
    char hello[4096];
    EXPECT_GT(read(fd, hello, sizeof hello), 0);
    Say(fd, std::string("\x16\x03\x03\x40\x00", 5));
    Trickle(fd, "\x02");
  });
  auto options = Options();
  options.connect_timeout = milliseconds(300);
  EventLoop loop(options, 4);
  auto endpoint = server.endpoint();
  endpoint.scheme = "https";
  EXPECT_THAT(Failure(Exchange(loop, Request(endpoint))),
              testing::ContainsRegex("timeout|not connected within"));
}

// direct makes a tunnel for http, too.
TEST_P(HostileServerTest, AProxyResponseWithoutEndEndsAtTheConnectTimeout) {
  const std::pair<const char*, std::pair<std::string, std::string>> cases[] = {
      {"headers", {"HTTP/1.1 200 OK\r\n", Times(100, "X: y\r\n")}},
      {"one header", {"HTTP/1.1 200 OK\r\nX: ", Times(1000, "x")}},
      {"interim responses", {"", "HTTP/1.1 103 Early Hints\r\n\r\n"}},
      {"a refusal's body", {"HTTP/1.1 407 No\r\nContent-Length: 1000000000000\r\n\r\n", Times(1000, "x")}},
      {"a refusal's chunks", {"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"}},
      {"a success's body", {"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", Times(1000, "x")}},
  };
  for (const bool at_once : {true, false}) {
    for (const auto& [what, text] : cases) {
      RawServer proxy([&text = text, at_once](int fd) {
        ReadRequest(fd);
        Say(fd, text.first);
        at_once ? void(Flood(fd, text.second)) : Trickle(fd, text.second);
      });
      auto options = Options();
      options.connect_timeout = milliseconds(300);
      options.proxy.url = Secret("http://" + proxy.endpoint().HostAndPort());
      testing::internal::CaptureStdout();
      {
        EventLoop loop(options, 4);
        const auto response = Exchange(loop, Request({IsDirect() ? "http" : "https", "127.0.0.1", 9}));
        ASSERT_TRUE(response.failure) << what;
        // The libcurl transport expects a TLS handshake in the tunnel. The bytes after the head are not a
        // handshake.
        const bool refusal = std::string(what).starts_with("a refusal") ||
                             (!IsDirect() && what == std::string("a success's body"));
        EXPECT_TRUE(refusal || response.failure->kind == ErrorKind::kTransient) << what;
      }
      EXPECT_EQ(testing::internal::GetCapturedStdout(), "") << what;
    }
  }
}

TEST_P(HostileServerTest, TlsMessagesWithoutDataAreNoProgress) {
  using Message = bool (*)(SSL*);
  const std::pair<const char*, Message> cases[] = {
      {"key updates",
       [](SSL* tls) {
         return SSL_key_update(tls, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(tls) == 1;
       }},
      {"tickets", [](SSL* tls) { return SSL_new_session_ticket(tls) == 1 && SSL_do_handshake(tls) == 1; }}};
  for (const bool at_once : {true, false}) {
    for (const auto& [what, say] : cases) {
      std::atomic<std::uint64_t> said{0};
      PeerServer server(true, [&say = say, &said, at_once](Peer& peer) {
        peer.ReadHead();
        for (pollfd client{peer.fd(), POLLRDHUP, 0};
             poll(&client, 1, at_once ? 0 : 1) == 0 && say(peer.tls());)
          said = BIO_number_written(SSL_get_wbio(peer.tls()));
      });
      auto options = Options();
      options.stall_window = milliseconds(300);
      options.tls.ca_file = server.ca_file();
      EventLoop loop(options, 4);
      const auto response = Exchange(loop, Request(server.endpoint()));
      EXPECT_EQ(response.failure->kind, ErrorKind::kTransient) << what;
      EXPECT_GT(said, 1'000u) << what;
    }
  }
}

TEST_P(HostileServerTest, CredentialServicesHaveTheSameLimits) {
  for (const bool at_once : {true, false}) {
    RawServer server([&](int fd) {
      ReadRequest(fd);
      Say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=");
      at_once ? void(Flood(fd, Times(1000, "x"))) : Trickle(fd, "x");
    });
    const ProviderContext context;
    const auto response =
        SendOverHttp(Request(server.endpoint()), MetadataTransport(milliseconds(300)), context);
    EXPECT_TRUE(response.failure);
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, HostileServerTest, test::kBothTransports, test::KindName);

}  // namespace hostile_server_test
}  // namespace s3
