// Both transports send the same requests. Only the order of the headers may differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "s3/base/waiter.h"
#include "s3/transport/event_loop.h"
#include "tests/support/peer_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace equal_requests_test {

using test::HttpCall;
using test::Peer;
using test::PeerServer;

// Returns the lines of the head, with names in lower case and sorted, then the body.
std::string Canonical(const HttpCall& call) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < call.headers.size();) {
    const auto end = call.headers.find("\r\n", at);
    auto line = call.headers.substr(at, end - at);
    if (at > 0)
      std::transform(line.begin(), line.begin() + static_cast<long>(line.find(':')), line.begin(),
                     [](unsigned char c) { return std::tolower(c); });
    lines.push_back(std::move(line));
    at = end + 2;
  }
  std::sort(lines.begin() + 1, lines.end());
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text + call.body;
}

// Sends `request` to a server. Returns what the server received, in the form of Canonical().
std::string Sent(TransportKind kind, bool tls, HttpRequest request) {
  std::string seen;
  PeerServer server(tls, [&](Peer& peer) {
    auto call = peer.ReadHead();
    if (!call) return;
    if (!call->Header("expect").empty()) peer.Say("HTTP/1.1 100 Continue\r\n\r\n");
    if (!peer.ReadBody(&*call)) return;
    seen = Canonical(*call);
    peer.Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  TransportOptions options;
  options.kind = kind;
  options.tls.ca_file = server.ca_file();
  request.endpoint = server.endpoint();
  request.headers.push_back({"host", "store.example:8080"});
  HttpResponse response;
  {
    EventLoop loop(options, 1);
    BlockingWaiter().Wait([&](Wake wake) { loop.Send(std::move(request), &response, wake); });
  }
  EXPECT_FALSE(response.failure) << response.failure->message;
  return seen;
}

HttpRequest Request(std::string method, std::string path, std::string_view body = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.body = body;
  request.headers = {{"x-amz-date", "20260101T000000Z"}};
  return request;
}

std::vector<HttpRequest> Requests() {
  static const std::string small(4096, 's'), mid(200 << 10, 'm'), large(3 << 20, 'l');
  std::vector<HttpRequest> requests;
  for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE"})
    requests.push_back(Request(method, "/b/k"));
  for (const std::string_view body :
       {std::string_view(small), std::string_view(mid), std::string_view(large)})
    requests.push_back(Request("PUT", "/b/k", body));
  requests.push_back(Request("POST", "/b/k", "<Complete/>"));
  for (const char* path : {"/", "//", "/b//k", "/b/./k", "/b/../k/..", "/b/%2e%2E/%20%25%2F%C3%A9",
                           "/b/a+b~c_d-e.f", "/b/!$&'()*,;=:@", "/b/k%23%3Fx", "/b/\"<>^`{|}\\"})
    requests.push_back(Request("PUT", path, "x"));
  auto query = Request("GET", "/b");
  query.query = {{"uploads", ""}, {"prefix", "a b/+&=%\xC3\xA9?#"}, {"list-type", "2"}};
  requests.push_back(query);
  auto headers = Request("PUT", "/b/k", "x");
  headers.headers = {{"content-type", "text/plain; charset=utf-8"},
                     {"x-amz-meta-empty", ""},
                     {"x-amz-meta-colons", "a: b;c ;"},
                     {"x-amz-meta-utf8", "\xC3\xA9"},
                     {"authorization", "AWS4-HMAC-SHA256 Credential=x"},
                     {"content-encoding", "aws-chunked"},
                     {"range", "bytes=0-1"},
                     {"cookie", "c"}};
  headers.secret_headers = {{"x-amz-security-token", Secret("token")}};
  requests.push_back(headers);
  auto pieces = Request("PUT", "/b/k");
  pieces.body_pieces = {"chunk;", small, "", mid, "end"};
  requests.push_back(pieces);
  auto one_piece = Request("PUT", "/b/k");
  one_piece.body_pieces = {small};
  requests.push_back(one_piece);
  return requests;
}

class EqualRequestsTest : public testing::TestWithParam<bool> {};

TEST_P(EqualRequestsTest, BothTransportsSendTheSame) {
  for (const auto& request : Requests()) {
    const auto direct = Sent(TransportKind::kDirect, GetParam(), request);
    ASSERT_FALSE(direct.empty());
    EXPECT_TRUE(direct == Sent(TransportKind::kLibcurl, GetParam(), request))
        << direct.substr(0, 500) << "\n---\n"
        << Sent(TransportKind::kLibcurl, GetParam(), request).substr(0, 500);
  }
}

INSTANTIATE_TEST_SUITE_P(Tls, EqualRequestsTest, testing::Bool());

}  // namespace equal_requests_test
}  // namespace s3
