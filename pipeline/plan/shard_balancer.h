// Distributes inputs over shards so that all shards get about the same bytes and requests. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/plan/job_plan.h"

namespace pipeline {

class ShardBalancer {
 public:
  explicit ShardBalancer(int shards) : loads_(static_cast<std::size_t>(shards)) {}

  // Returns a shard for each input of a round. Precondition: a round has one input for each shard; only the
  // last round may have fewer. Each shard gets one input, so the numbers of inputs differ by at most one. The
  // largest input goes to the shard with the fewest bytes, so the bytes of two shards differ by at most the
  // largest input of all.
  std::vector<int> Assign(std::span<const ShardLoad> round);

  const std::vector<ShardLoad>& loads() const { return loads_; }

 private:
  std::vector<ShardLoad> loads_;
};

}  // namespace pipeline
