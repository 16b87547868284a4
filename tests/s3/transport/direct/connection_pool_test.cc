#include "s3/transport/direct/connection_pool.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/pool_driver.h"
#include "tests/support/raw_server.h"

namespace s3 {
namespace connection_pool_test {

using namespace std::chrono_literals;
using test::PoolDriver;
using test::RawServer;
using Clock = ConnectionPool::Clock;

class ConnectionPoolTest : public testing::Test {
 protected:
  // RawServer serves one connection after the other; the kernel accepts the others.
  Connection* Connect() {
    const auto connected = driver_.Connect(endpoint_);
    EXPECT_EQ(connected.code, CURLE_OK);
    return connected.connection;
  }

  RawServer server_{[](int fd) { test::ReadRequest(fd); }};
  const Endpoint endpoint_ = server_.endpoint();
  const std::string origin_ = endpoint_.Url();
  const Clock::time_point now_ = Clock::now();
  PoolDriver driver_{2};
  ConnectionPool& pool_ = driver_.pool;
};

TEST_F(ConnectionPoolTest, ReusesTheMostRecentlyUsedConnectionOfAnOrigin) {
  Connection* const first = Connect();
  Connection* const second = Connect();
  pool_.KeepAlive(first, now_);
  pool_.KeepAlive(second, now_);
  EXPECT_EQ(pool_.TakeIdle("http://other:80", now_), nullptr);
  EXPECT_EQ(pool_.TakeIdle(origin_, now_), second);
  EXPECT_TRUE(second->is_reused);
  EXPECT_EQ(pool_.TakeIdle(origin_, now_), first);
  EXPECT_EQ(pool_.TakeIdle(origin_, now_), nullptr);
}

TEST_F(ConnectionPoolTest, ClosesAConnectionAfterTheIdleTimeout) {
  pool_.KeepAlive(Connect(), now_);
  EXPECT_EQ(pool_.TakeIdle(origin_, now_ + ConnectionPool::kIdleTimeout + 1s), nullptr);
  Connection* const other = Connect();
  pool_.KeepAlive(other, now_);
  EXPECT_EQ(pool_.TakeIdle(origin_, now_ + ConnectionPool::kIdleTimeout), other);
}

TEST_F(ConnectionPoolTest, KeepsAtMostMaxIdleConnections) {
  Connection* connections[] = {Connect(), Connect(), Connect()};
  for (auto* connection : connections) pool_.KeepAlive(connection, now_);
  EXPECT_EQ(pool_.TakeIdle(origin_, now_), connections[1]);  // the third was closed
  EXPECT_EQ(pool_.TakeIdle(origin_, now_), connections[0]);
  EXPECT_EQ(pool_.TakeIdle(origin_, now_), nullptr);
}

TEST_F(ConnectionPoolTest, CloseIdleLeavesConnectionsInUse) {
  Connection* const used = Connect();
  pool_.KeepAlive(Connect(), now_);
  pool_.CloseIdle();
  EXPECT_EQ(pool_.TakeIdle(origin_, now_), nullptr);
  EXPECT_TRUE(used->IsQuiet());
}

TEST_F(ConnectionPoolTest, BoundsTheConnectionsThatAreBeingMade) {
  PoolDriver driver(4, 1);
  EXPECT_TRUE(driver.pool.can_connect());
  Connection* const connecting = driver.pool.Connect(endpoint_);
  EXPECT_FALSE(driver.pool.can_connect());
  driver.pool.Close(connecting);
  EXPECT_TRUE(driver.pool.can_connect());
  driver.Connect(endpoint_);
  EXPECT_TRUE(driver.pool.can_connect());
}

TEST(ConnectionPoolCloseTest, DoesNotReuseAConnectionWithBytesToReceive) {
  RawServer server([](int fd) {
    test::Say(fd, "HTTP/1.1 408 Request Timeout\r\n\r\n");
    test::ReadRequest(fd);
  });
  PoolDriver driver;
  Connection* const connection = driver.Connect(server.endpoint()).connection;
  while (connection->IsQuiet()) std::this_thread::yield();
  driver.pool.KeepAlive(connection, Clock::now());
  EXPECT_EQ(driver.pool.TakeIdle(server.endpoint().Url(), Clock::now()), nullptr);
}

TEST(ConnectionPoolCloseTest, ReportsARefusedConnection) {
  Endpoint nobody;
  {
    RawServer gone([](int) {});
    nobody = gone.endpoint();
  }
  PoolDriver driver;
  const auto refused = driver.Connect(nobody);
  EXPECT_NE(refused.code, CURLE_OK);
  EXPECT_EQ(refused.connection->ConnectError(refused.code).kind, ErrorKind::kTransient);
  driver.pool.Close(refused.connection);
}

}  // namespace connection_pool_test
}  // namespace s3
