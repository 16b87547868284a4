#include "s3/endpoint/statistics.h"

#include <gtest/gtest.h>

#include <optional>

namespace s3::endpoint {
namespace statistics_test {

TEST(Statistics, KeepsTheMaximumOfConnectionsAndRequestsInFlight) {
  Statistics statistics;
  {
    const Statistics::OpenConnection first(&statistics);
    std::optional<Statistics::OpenConnection> second(&statistics);
    EXPECT_EQ(statistics.connections(), 2);
    second.reset();
    const Statistics::RequestInFlight put(&statistics, "PutObject"), other(&statistics, "HeadObject");
    { const Statistics::RequestInFlight more(&statistics, "PutObject"); }
    const Statistics::RequestInFlight last(&statistics, "PutObject");
  }
  const auto stats = statistics.Read();
  EXPECT_EQ(stats.connections, 0);
  EXPECT_EQ(stats.max_connections, 2);
  EXPECT_EQ(stats.requests.at("PutObject"), 3u);
  EXPECT_EQ(stats.max_in_flight.at("PutObject"), 2);
  EXPECT_EQ(stats.max_in_flight.at("HeadObject"), 1);
}

}  // namespace statistics_test
}  // namespace s3::endpoint
