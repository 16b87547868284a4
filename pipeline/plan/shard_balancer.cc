#include "pipeline/plan/shard_balancer.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace pipeline {

std::vector<int> ShardBalancer::Assign(std::span<const ShardLoad> round) {
  std::vector<int> shards(loads_.size());  // in the order of their loads, the smallest first
  std::iota(shards.begin(), shards.end(), 0);
  const auto load = [&](int shard) { return loads_[static_cast<std::size_t>(shard)]; };
  std::sort(shards.begin(), shards.end(), [&](int a, int b) {
    return std::tuple(load(a).inputs, load(a).bytes, load(a).requests, a) <
           std::tuple(load(b).inputs, load(b).bytes, load(b).requests, b);
  });
  std::vector<std::size_t> order(round.size());  // indices of the inputs, the largest first
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return round[a].bytes > round[b].bytes; });
  std::vector<int> assigned(round.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const int shard = shards[i];
    const auto& input = round[order[i]];
    auto& total = loads_[static_cast<std::size_t>(shard)];
    total.inputs += 1;
    total.bytes += input.bytes;
    total.requests += input.requests;
    assigned[order[i]] = shard;
  }
  return assigned;
}

}  // namespace pipeline
