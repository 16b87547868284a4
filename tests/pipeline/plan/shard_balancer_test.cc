#include "pipeline/plan/shard_balancer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/support/sizes.h"
#include "tests/support/support.h"

namespace pipeline {
namespace shard_balancer_test {

TEST(ShardBalancerTest, BalancesInputsAndBytes) {
  auto random = test::SeededRandom();
  for (const int shards : {1, 2, 7, 64}) {
    auto sizes = test::RealisticSizes(&random, 5000);
    std::sort(sizes.rbegin(), sizes.rend());
    ShardBalancer balancer(shards);
    for (std::size_t at = 0; at < sizes.size(); at += static_cast<std::size_t>(shards)) {
      std::vector<ShardLoad> round;
      for (auto i = at; i < std::min(sizes.size(), at + static_cast<std::size_t>(shards)); ++i) {
        round.push_back({1, sizes[i], 1});
      }
      std::shuffle(round.begin(), round.end(), random);
      balancer.Assign(round);
    }
    const auto& loads = balancer.loads();
    const auto spread = [&](auto what) {
      const auto [min, max] = std::minmax_element(
          loads.begin(), loads.end(), [&](const auto& a, const auto& b) { return a.*what < b.*what; });
      return *max.*what - *min.*what;
    };
    EXPECT_LE(spread(&ShardLoad::bytes), sizes.front()) << shards;
    EXPECT_LE(spread(&ShardLoad::inputs), 1u) << shards;
    std::uint64_t bytes = 0;
    for (const auto& load : loads) bytes += load.bytes;
    EXPECT_EQ(bytes, std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0}));
  }
}

TEST(ShardBalancerTest, GivesTheLargestInputToTheShardWithTheFewestBytes) {
  ShardBalancer balancer(3);
  const std::vector<ShardLoad> first = {{1, 30, 1}, {1, 10, 1}, {1, 20, 1}};
  EXPECT_EQ(balancer.Assign(first), (std::vector{0, 2, 1})) << "all are empty: by number";
  const std::vector<ShardLoad> second = {{1, 1, 1}, {1, 9, 1}};
  EXPECT_EQ(balancer.Assign(second), (std::vector{1, 2}));
  EXPECT_EQ(balancer.loads()[2].bytes, 19u);
  EXPECT_EQ(balancer.loads()[2].inputs, 2u);
  EXPECT_EQ(balancer.loads()[2].requests, 2u);
}

}  // namespace shard_balancer_test
}  // namespace pipeline
