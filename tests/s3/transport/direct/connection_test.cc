#include "s3/transport/direct/connection.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/pool_driver.h"
#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace connection_test {

using test::PoolDriver;
using test::RawServer;
using State = Connection::IoResult::State;

// A plain TCP connection. Declare it after its server, whose destructor waits until the client has closed.
class Client {
 public:
  explicit Client(const RawServer& server) {
    const auto connected = driver_.Connect(server.endpoint());
    EXPECT_EQ(connected.code, CURLE_OK);
    connection = connected.connection;
    EXPECT_TRUE(connection->is_plain_tcp());
  }

  Connection::IoResult Send(std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return connection->Send({&piece, 1}, scratch);
  }
  // Receives as soon as there is something to receive.
  Connection::IoResult Receive() {
    for (;;) {
      const auto received = connection->Receive(scratch);
      if (received.state != State::kBlocked) return received;
      std::this_thread::yield();
    }
  }

 private:
  PoolDriver driver_;

 public:
  Connection* connection = nullptr;
  std::string scratch = std::string(Connection::kScratchBytes, '\0');
};

TEST(ConnectionTest, SendsAllPiecesAndReceivesUntilTheServerCloses) {
  RawServer server([](int fd) { test::Say(fd, test::ReadRequest(fd)); });
  Client client(server);
  const std::string_view first = "ab", second = "cd\r\n\r\n";
  const iovec pieces[] = {{const_cast<char*>(first.data()), first.size()},
                          {const_cast<char*>(second.data()), second.size()}};
  const auto sent = client.connection->Send(pieces, client.scratch);
  EXPECT_EQ(sent.state, State::kBytes);
  EXPECT_EQ(sent.bytes, 8u);
  EXPECT_TRUE(sent.more);
  std::string echoed;
  for (;;) {
    const auto received = client.Receive();
    if (received.state == State::kEnded) break;
    ASSERT_EQ(received.state, State::kBytes);
    echoed.append(client.scratch, 0, received.bytes);
  }
  EXPECT_EQ(echoed, "abcd\r\n\r\n");
}

TEST(ConnectionTest, BlocksWhenTheServerDoesNotRead) {
  std::atomic<bool> is_over{false};
  RawServer server([&](int) { is_over.wait(false); });
  server.TakeLittle();
  Client client(server);
  const std::string large(32 << 20, 'x');
  auto sent = client.Send(large);
  EXPECT_EQ(sent.state, State::kBytes);
  EXPECT_LT(sent.bytes, large.size());
  EXPECT_FALSE(sent.more);  // epoll reports when the socket takes more
  while (sent.state == State::kBytes) sent = client.Send(large);
  EXPECT_EQ(sent.state, State::kBlocked);
  is_over = true;
  is_over.notify_all();
}

TEST(ConnectionTest, IsQuietUntilTheServerSends) {
  RawServer server([](int fd) {
    test::ReadRequest(fd);
    test::Say(fd, "x");
    test::ReadRequest(fd);
  });
  Client client(server);
  EXPECT_TRUE(client.connection->IsQuiet());
  client.Send("GET\r\n\r\n");
  while (client.connection->IsQuiet()) std::this_thread::yield();
  EXPECT_EQ(client.Receive().bytes, 1u);
  EXPECT_TRUE(client.connection->IsQuiet());
}

TEST(ConnectionTest, IsNotQuietOnceTheServerHasClosed) {
  RawServer server([](int) {});
  Client client(server);
  while (client.connection->IsQuiet()) std::this_thread::yield();
  EXPECT_EQ(client.connection->Receive(client.scratch).state, State::kEnded);
}

TEST(ConnectionTest, TheServersKernelAcknowledgesWhatWasSent) {
  RawServer server([](int fd) { test::ReadRequest(fd); });
  Client client(server);
  client.Send("some bytes");
  while (client.connection->HasUnacknowledged()) std::this_thread::yield();
}

TEST(ConnectionTest, SendsARangeOfAFile) {
  std::string request;
  RawServer server([&](int fd) {
    request = test::ReadRequest(fd);
    test::Say(fd, "done");
  });
  Client client(server);
  const test::TempDir directory;
  const UniqueFd file(open(directory.Write("f", "0123456789\r\n\r\n").c_str(), O_RDONLY | O_CLOEXEC));
  const auto sent = client.connection->SendFile({file.get(), 4, 10}, client.scratch);
  EXPECT_EQ(sent.state, State::kBytes);
  EXPECT_EQ(sent.bytes, 10u);
  client.Receive();
  EXPECT_EQ(request, "456789\r\n\r\n");
}

TEST(ConnectionTest, AFileThatEndsTooEarlyHasChanged) {
  RawServer server([](int fd) { test::ReadRequest(fd); });
  Client client(server);
  const test::TempDir directory;
  const UniqueFd file(open(directory.Write("f", "0123456789").c_str(), O_RDONLY | O_CLOEXEC));
  const FileRange range{file.get(), 10, 5};
  EXPECT_EQ(client.connection->SendFile(range, client.scratch).state, State::kFileFailed);
  EXPECT_EQ(client.connection->FileError(range).kind, ErrorKind::kChanged);
  EXPECT_THAT(client.connection->FileError(range).message, testing::HasSubstr("ends at byte 10"));
}

}  // namespace connection_test
}  // namespace s3
