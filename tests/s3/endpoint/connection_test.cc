// Slow and greedy clients of the endpoint.
#include "s3/endpoint/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "s3/endpoint/server.h"
#include "tests/support/client_fixture.h"
#include "tests/support/raw_client.h"

namespace s3 {
namespace endpoint_connection_test {

namespace fs = std::filesystem;
using endpoint::Server;
using endpoint::ServerOptions;
using std::chrono::milliseconds;
using test::ClientFixture;
using test::RawClient;
using test::WithBucket;
using testing::StartsWith;

// Waits for clients as long as possible, except for the limit that a test sets.
ServerOptions Patient() {
  auto options = WithBucket();
  options.clients.idle = options.clients.header = options.clients.stall_window = std::chrono::hours(1);
  return options;
}

// Returns the head of a valid request with a body of `body_bytes`.
std::string SignedHead(const Server& server, const std::string& method, const std::string& path,
                       std::size_t body_bytes) {
  HttpRequest request;
  request.method = method;
  request.endpoint = {"http", "127.0.0.1", server.port()};
  request.path = path;
  Signer("us-east-1")
      .SignHeaders(&request, kUnsignedPayload, server.credentials(), std::chrono::system_clock::now());
  auto head = method + " " + path + " HTTP/1.1\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  return head + "content-length: " + std::to_string(body_bytes) + "\r\n\r\n";
}

void WaitUntilNobodyIsConnected(const Server& server) {
  while (server.stats().connections > 0) std::this_thread::yield();
}

TEST(SlowClient, OneThatSendsNothingIsDisconnected) {
  auto options = Patient();
  options.clients.idle = milliseconds(20);
  const Server server(options);
  EXPECT_EQ(RawClient(server.port()).ReadToTheEnd(), "");
}

TEST(SlowClient, OneThatNeverEndsItsHeadersIsDisconnected) {
  auto options = Patient();
  options.clients.header = milliseconds(20);
  const Server server(options);
  RawClient client(server.port());
  client.Say("GET / HTTP/1.1\r\nhost: h\r\nx-a: ");
  EXPECT_EQ(client.ReadToTheEnd(), "");
  RawClient drips(server.port());
  drips.Say("GET / HTTP/1.1\r\nhost: h\r\nx-a: ");
  drips.SayUntilClosed("a");
  EXPECT_TRUE(server.stats().requests.empty());
}

TEST(SlowClient, AnIdleConnectionIsClosed) {
  auto options = Patient();
  options.clients.idle = milliseconds(50);
  const Server server(options);
  std::string answer;
  while (answer.empty()) {  // on a busy machine even the request may come too late
    RawClient client(server.port());
    client.Say(SignedHead(server, "HEAD", "/bucket", 0));
    answer = client.ReadToTheEnd();
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
}

// A client would take the body for the response to its next request.
TEST(HeadRequest, ARefusalHasNoBody) {
  const Server server(Patient());
  for (const char* target : {"/bucket/key", "/bucket/%zz"}) {
    RawClient client(server.port());
    client.Say(std::string("HEAD ") + target + " HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    const auto answer = client.ReadToTheEnd();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 40"));
    EXPECT_EQ(answer.find("\r\n\r\n"), answer.size() - 4) << answer;
  }
}

TEST(SlowClient, OneThatStopsInItsBodyIsDisconnected) {
  auto options = Patient();
  options.clients.stall_window = milliseconds(20);
  Server server(options);
  RawClient client(server.port());
  client.Say(SignedHead(server, "PUT", "/bucket/k", 100'000) + "only this");
  EXPECT_EQ(client.ReadToTheEnd(), "");
  EXPECT_EQ(server.store().CountObjects("bucket"), 0u);
}

TEST(SlowClient, OneThatSendsItsBodyTooSlowlyIsDisconnected) {
  test::TempDir directory;
  auto options = Patient();
  options.clients.stall_window = milliseconds(50);
  options.storage = endpoint::Storage::kDirectory;
  options.directory = directory.path();
  Server server(options);
  RawClient client(server.port());
  client.Say(SignedHead(server, "PUT", "/bucket/k", 100'000'000));
  client.SayUntilClosed("drip");
  WaitUntilNobodyIsConnected(server);
  EXPECT_EQ(server.store().CountObjects("bucket"), 0u);
  EXPECT_TRUE(fs::is_empty(directory / ".uploads")) << "the received bytes are removed";
}

TEST(SlowClient, OneThatDoesNotReadTheReplyIsDisconnected) {
  auto options = Patient();
  options.clients.stall_window = milliseconds(50);
  ClientFixture fixture(options);
  ASSERT_TRUE(fixture.Put("k", std::string(32 << 20, 'x')).response);
  const auto before = fixture.server.stats().connections;
  RawClient client(fixture.server.port());
  client.Say(SignedHead(fixture.server, "GET", "/bucket/k", 0));
  while (fixture.server.stats().requests["GetObject"] == 0) std::this_thread::yield();
  while (fixture.server.stats().connections > before) std::this_thread::yield();
  EXPECT_LT(client.ReadToTheEnd().size(), 32u << 20);
}

TEST(SlowClient, TheEndpointsOwnPausesDoNotCount) {
  auto options = Patient();
  options.clients.stall_window = milliseconds(1000);
  options.clients.stall_bytes = 1 << 20;
  options.bandwidth_bytes = 200'000;
  ClientFixture fixture(options);
  const auto result = fixture.Put("k", std::string(300'000, 'x'));
  ASSERT_TRUE(result.response) << result.response.error().message;
  EXPECT_EQ(result.attempts, 1);
}

TEST(ConnectionLimit, FurtherConnectionsWaitUntilOthersEnd) {
  auto options = Patient();
  options.clients.connections = 3;
  options.clients.idle = milliseconds(50);
  ClientFixture fixture(options);
  const RawClient first(fixture.server.port()), second(fixture.server.port()), third(fixture.server.port());
  EXPECT_TRUE(fixture.Put("k", "x").response);
  EXPECT_EQ(fixture.server.stats().max_connections, 3);
}

TEST(HeaderLimit, TooManyAndTooLongHeadersAreRefused) {
  const Server server(Patient());
  std::string many = "GET / HTTP/1.1\r\nhost: h\r\n";
  for (int i = 0; i < 200; ++i) many += "x-" + std::to_string(i) + ": 1\r\n";
  RawClient client(server.port());
  client.Say(many + "connection: close\r\n\r\n");
  EXPECT_THAT(client.ReadToTheEnd(), StartsWith("HTTP/1.1 400"));
  RawClient endless(server.port());
  endless.Say("GET / HTTP/1.1\r\nhost: h\r\nx: ");
  while (endless.Say(std::string(4096, 'x'))) {
  }
}

}  // namespace endpoint_connection_test
}  // namespace s3
