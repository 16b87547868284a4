// Which endpoint is asked next: the least busy that works; failing ones after a while, one by one.
#include "s3/stores/endpoint_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace s3 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

struct Fixture {
  explicit Fixture(int count)
      : pool(
            Names(count), [this](auto text) { notices.emplace_back(text); }, [this] { return now; }) {}
  static std::vector<std::string> Names(int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back("e" + std::to_string(i));
    return names;
  }
  // One request that ends at once; the answer is the endpoint it took.
  std::size_t Request(bool worked) {
    const auto lease = pool.Take();
    pool.Give(lease, worked);
    return lease.index;
  }
  // Leaves endpoint `index` alone: all its requests fail.
  void Break(std::size_t index) {
    for (const auto before = notices.size(); notices.size() == before;) {
      const auto lease = pool.Take();
      pool.Give(lease, lease.index != index);
    }
  }

  EndpointPool::Clock::time_point now{seconds(1000)};
  std::vector<std::string> notices;
  EndpointPool pool;
};

TEST(EndpointPoolTest, SpreadsOverTheLeastBusy) {
  Fixture fixture(3);
  std::vector<EndpointPool::Lease> leases;
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 9; ++i) {
    leases.push_back(fixture.pool.Take());
    ++taken[leases.back().index];
  }
  EXPECT_EQ(taken, (std::map<std::size_t, int>{{0, 3}, {1, 3}, {2, 3}}));
  // Two of one endpoint end: the next two go there.
  std::vector<std::size_t> next;
  for (int ended = 0; const auto& lease : leases) {
    if (lease.index == 1 && ended++ < 2) fixture.pool.Give(lease, true);
  }
  for (int i = 0; i < 2; ++i) next.push_back(fixture.pool.Take().index);
  EXPECT_THAT(next, ElementsAre(1, 1));
}

TEST(EndpointPoolTest, EqualsTakeTurns) {
  Fixture fixture(3);
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 30; ++i) ++taken[fixture.Request(true)];
  EXPECT_EQ(taken, (std::map<std::size_t, int>{{0, 10}, {1, 10}, {2, 10}}));
}

TEST(EndpointPoolTest, OneFailureIsForgivenTwoInARowAreNot) {
  Fixture fixture(2);
  for (int i = 0; i < 20; ++i) fixture.Request(i % 4 < 2);  // each fails every second time
  EXPECT_TRUE(fixture.notices.empty());
  fixture.Break(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fixture.Request(true), 0u);
  ASSERT_EQ(fixture.notices.size(), 1u);
  EXPECT_THAT(fixture.notices[0], HasSubstr("e1 fails"));
}

TEST(EndpointPoolTest, AfterAWhileASingleRequestTriesAgainAndLoadReturns) {
  Fixture fixture(2);
  fixture.Break(1);
  fixture.now += EndpointPool::kFirstPause;
  const auto probe = fixture.pool.Take();
  EXPECT_EQ(probe.index, 1u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(fixture.Request(true), 0u) << "one probe at a time";
  fixture.pool.Give(probe, true);
  EXPECT_THAT(fixture.notices.back(), HasSubstr("e1 works again"));
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 10; ++i) ++taken[fixture.Request(true)];
  EXPECT_EQ(taken[1], 5);
}

TEST(EndpointPoolTest, PausesDoubleUpToTheLongest) {
  Fixture fixture(2);
  fixture.Break(1);
  auto pause = std::chrono::duration_cast<milliseconds>(EndpointPool::kFirstPause);
  for (int i = 0; i < 8; ++i) {
    fixture.now += pause - milliseconds(1);
    ASSERT_EQ(fixture.Request(true), 0u) << i;
    fixture.now += milliseconds(1);
    ASSERT_EQ(fixture.Request(false), 1u) << i;
    pause = std::min<milliseconds>(pause * 2, EndpointPool::kLongestPause);
  }
  EXPECT_EQ(fixture.notices.size(), 1u) << "said once";
}

// 64 requests that were in flight when a gateway died are one failure, not 64.
TEST(EndpointPoolTest, ThoseInFlightTogetherFailOnce) {
  Fixture fixture(2);
  std::vector<EndpointPool::Lease> leases;
  for (int i = 0; i < 64; ++i) leases.push_back(fixture.pool.Take());
  fixture.now += milliseconds(5);
  for (const auto& lease : leases) fixture.pool.Give(lease, lease.index == 0);
  fixture.now += EndpointPool::kFirstPause;
  EXPECT_EQ(fixture.Request(true), 1u) << "tried again after the first pause";
}

TEST(EndpointPoolTest, WhenAllFailTheFirstToBeDueIsAsked) {
  Fixture fixture(2);
  fixture.Break(0);
  fixture.now += milliseconds(100);
  fixture.Break(1);
  EXPECT_EQ(fixture.Request(false), 0u);
  EXPECT_EQ(fixture.Request(false), 1u);
}

TEST(EndpointPoolTest, TheOnlyOneIsAlwaysAsked) {
  Fixture fixture(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fixture.Request(false), 0u);
  EXPECT_TRUE(fixture.notices.empty());
}

}  // namespace
}  // namespace s3
