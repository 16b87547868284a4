#include "s3/transport/connection.h"

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
namespace {

using test::PoolDriver;
using test::RawServer;
using State = Connection::IoResult::State;

// A plain TCP connection to a server that does what the test says.
class ConnectionTest : public testing::Test {
 protected:
  Connection* Connect(const RawServer& server) {
    const auto connected = driver_.Connect(server.endpoint());
    EXPECT_EQ(connected.code, CURLE_OK);
    EXPECT_TRUE(connected.connection->is_plain_tcp());
    return connected.connection;
  }
  Connection::IoResult Send(Connection* connection, std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return connection->Send({&piece, 1}, scratch_);
  }
  // Receives as soon as there is something to receive.
  Connection::IoResult Receive(Connection* connection) {
    for (;;) {
      const auto received = connection->Receive(scratch_);
      if (received.state != State::kBlocked) return received;
      std::this_thread::yield();
    }
  }

  std::string scratch_ = std::string(Connection::kScratchBytes, '\0');
  PoolDriver driver_;
};

TEST_F(ConnectionTest, SendsAllPiecesAndReceivesUntilTheServerCloses) {
  RawServer server([](int fd) { test::Say(fd, test::ReadRequest(fd)); });
  Connection* const connection = Connect(server);
  const std::string_view first = "ab", second = "cd\r\n\r\n";
  const iovec pieces[] = {{const_cast<char*>(first.data()), first.size()},
                          {const_cast<char*>(second.data()), second.size()}};
  const auto sent = connection->Send(pieces, scratch_);
  EXPECT_EQ(sent.state, State::kBytes);
  EXPECT_EQ(sent.bytes, 8u);
  EXPECT_TRUE(sent.more);
  std::string echoed;
  for (;;) {
    const auto received = Receive(connection);
    if (received.state == State::kEnded) break;
    ASSERT_EQ(received.state, State::kBytes);
    echoed.append(scratch_, 0, received.bytes);
  }
  EXPECT_EQ(echoed, "abcd\r\n\r\n");
}

TEST_F(ConnectionTest, BlocksWhenTheServerDoesNotRead) {
  std::atomic<bool> is_over{false};
  RawServer server([&](int) { is_over.wait(false); });
  server.TakeLittle();
  Connection* const connection = Connect(server);
  const std::string large(32 << 20, 'x');
  auto sent = Send(connection, large);
  EXPECT_EQ(sent.state, State::kBytes);
  EXPECT_LT(sent.bytes, large.size());
  EXPECT_FALSE(sent.more);  // epoll reports when the socket takes more
  while (sent.state == State::kBytes) sent = Send(connection, large);
  EXPECT_EQ(sent.state, State::kBlocked);
  is_over = true;
  is_over.notify_all();
}

TEST_F(ConnectionTest, IsQuietUntilTheServerSends) {
  RawServer server([](int fd) {
    test::ReadRequest(fd);
    test::Say(fd, "x");
    test::ReadRequest(fd);
  });
  Connection* const connection = Connect(server);
  EXPECT_TRUE(connection->IsQuiet());
  Send(connection, "GET\r\n\r\n");
  while (connection->IsQuiet()) std::this_thread::yield();
  EXPECT_EQ(Receive(connection).bytes, 1u);
  EXPECT_TRUE(connection->IsQuiet());
}

TEST_F(ConnectionTest, IsNotQuietOnceTheServerHasClosed) {
  RawServer server([](int) {});
  Connection* const connection = Connect(server);
  while (connection->IsQuiet()) std::this_thread::yield();
  EXPECT_EQ(connection->Receive(scratch_).state, State::kEnded);
}

TEST_F(ConnectionTest, TheServersKernelAcknowledgesWhatWasSent) {
  RawServer server([](int fd) { test::ReadRequest(fd); });
  Connection* const connection = Connect(server);
  Send(connection, "some bytes");
  while (connection->HasUnacknowledged()) std::this_thread::yield();
}

TEST_F(ConnectionTest, SendsARangeOfAFile) {
  std::string request;
  RawServer server([&](int fd) {
    request = test::ReadRequest(fd);
    test::Say(fd, "done");
  });
  Connection* const connection = Connect(server);
  const test::TempDir directory;
  const UniqueFd file(open(directory.Write("f", "0123456789\r\n\r\n").c_str(), O_RDONLY | O_CLOEXEC));
  const auto sent = connection->SendFile({file.get(), 4, 10}, scratch_);
  EXPECT_EQ(sent.state, State::kBytes);
  EXPECT_EQ(sent.bytes, 10u);
  Receive(connection);
  EXPECT_EQ(request, "456789\r\n\r\n");
}

TEST_F(ConnectionTest, AFileThatEndsTooEarlyHasChanged) {
  RawServer server([](int fd) { test::ReadRequest(fd); });
  Connection* const connection = Connect(server);
  const test::TempDir directory;
  const UniqueFd file(open(directory.Write("f", "0123456789").c_str(), O_RDONLY | O_CLOEXEC));
  const FileRange range{file.get(), 10, 5};
  EXPECT_EQ(connection->SendFile(range, scratch_).state, State::kFileFailed);
  EXPECT_EQ(connection->FileError(range).kind, ErrorKind::kChanged);
  EXPECT_THAT(connection->FileError(range).message, testing::HasSubstr("ends at byte 10"));
}

}  // namespace
}  // namespace s3
