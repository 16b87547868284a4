#include "s3/stores/endpoint_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace s3 {
namespace endpoint_pool_test {

using std::chrono::milliseconds;
using std::chrono::seconds;
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
  // One request that ends at once. Returns the endpoint it took.
  std::size_t Request(bool worked) {
    auto lease = pool.Take();
    lease.Release(worked);
    return lease.index();
  }
  // Lets requests to endpoint `index` fail until it is paused.
  void Break(std::size_t index) {
    for (const auto before = notices.size(); notices.size() == before;) {
      auto lease = pool.Take();
      lease.Release(lease.index() != index);
    }
  }

  EndpointPool::Clock::time_point now{seconds(1000)};
  std::vector<std::string> notices;
  EndpointPool pool;
};

TEST(EndpointPoolTest, TheLeastBusyOneIsTaken) {
  Fixture fixture(3);
  std::vector<EndpointPool::Lease> leases;
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 9; ++i) {
    leases.push_back(fixture.pool.Take());
    ++taken[leases.back().index()];
  }
  EXPECT_EQ(taken, (std::map<std::size_t, int>{{0, 3}, {1, 3}, {2, 3}}));
  // Two requests of one endpoint end: it takes the next two.
  for (int ended = 0; auto& lease : leases) {
    if (lease.index() == 1 && ended++ < 2) lease.Release(true);
  }
  const auto first = fixture.pool.Take(), second = fixture.pool.Take();
  EXPECT_EQ(first.index(), 1u);
  EXPECT_EQ(second.index(), 1u);
}

TEST(EndpointPoolTest, EquallyBusyOnesTakeTurns) {
  Fixture fixture(3);
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 30; ++i) ++taken[fixture.Request(true)];
  EXPECT_EQ(taken, (std::map<std::size_t, int>{{0, 10}, {1, 10}, {2, 10}}));
}

TEST(EndpointPoolTest, TwoFailuresInARowPauseAnEndpoint) {
  Fixture fixture(2);
  for (int i = 0; i < 20; ++i) fixture.Request(i % 4 < 2);  // each fails every second time
  EXPECT_TRUE(fixture.notices.empty());
  fixture.Break(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fixture.Request(true), 0u);
  ASSERT_EQ(fixture.notices.size(), 1u);
  EXPECT_THAT(fixture.notices[0], HasSubstr("e1 fails"));
}

TEST(EndpointPoolTest, AfterThePauseOneRequestTriesItAndThenLoadReturns) {
  Fixture fixture(2);
  fixture.Break(1);
  fixture.now += EndpointPool::kFirstPause;
  auto trial = fixture.pool.Take();
  EXPECT_EQ(trial.index(), 1u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(fixture.Request(true), 0u) << "one trial at a time";
  trial.Release(true);
  EXPECT_THAT(fixture.notices.back(), HasSubstr("e1 works again"));
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 10; ++i) ++taken[fixture.Request(true)];
  EXPECT_EQ(taken[1], 5);
}

TEST(EndpointPoolTest, PausesDoubleUpToTheMaximum) {
  Fixture fixture(2);
  fixture.Break(1);
  auto pause = std::chrono::duration_cast<milliseconds>(EndpointPool::kFirstPause);
  for (int i = 0; i < 8; ++i) {
    fixture.now += pause - milliseconds(1);
    ASSERT_EQ(fixture.Request(true), 0u) << i;
    fixture.now += milliseconds(1);
    ASSERT_EQ(fixture.Request(false), 1u) << i;
    pause = std::min<milliseconds>(pause * 2, EndpointPool::kMaxPause);
  }
  EXPECT_EQ(fixture.notices.size(), 1u) << "one notice";
}

// When one of two gateways dies, all its requests in flight together cause one pause.
TEST(EndpointPoolTest, RequestsInFlightTogetherCauseOnePause) {
  Fixture fixture(2);
  std::vector<EndpointPool::Lease> leases;
  for (int i = 0; i < 64; ++i) leases.push_back(fixture.pool.Take());
  fixture.now += milliseconds(5);
  for (auto& lease : leases) lease.Release(lease.index() == 0);
  fixture.now += EndpointPool::kFirstPause;
  EXPECT_EQ(fixture.Request(true), 1u) << "tried after the first pause";
}

TEST(EndpointPoolTest, WhenAllFailTheOneWhosePauseEndsFirstIsTaken) {
  Fixture fixture(2);
  fixture.Break(0);
  fixture.now += milliseconds(100);
  fixture.Break(1);
  EXPECT_EQ(fixture.Request(false), 0u);
  EXPECT_EQ(fixture.Request(false), 1u);
}

// This happens when an exception ends a request.
TEST(EndpointPoolTest, ALeaseThatIsNotReleasedLeavesNothingBehind) {
  Fixture fixture(2);
  for (int i = 0; i < 10; ++i) (void)fixture.pool.Take();
  const auto first = fixture.pool.Take(), second = fixture.pool.Take();
  EXPECT_NE(first.index(), second.index()) << "none is in flight";
  EXPECT_TRUE(fixture.notices.empty());
  fixture.Break(1);
  fixture.now += EndpointPool::kFirstPause;
  EXPECT_EQ(fixture.pool.Take().index(), 1u);
  EXPECT_EQ(fixture.Request(true), 1u) << "a trial without a result is repeated";
}

TEST(EndpointPoolTest, TheOnlyEndpointIsAlwaysTaken) {
  Fixture fixture(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fixture.Request(false), 0u);
  EXPECT_TRUE(fixture.notices.empty());
}

}  // namespace endpoint_pool_test
}  // namespace s3
