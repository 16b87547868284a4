// Deals inputs out to shards so that all get the same number of bytes and of requests. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/plan/job_plan.h"

namespace pipeline {

class ShardBalancer {
 public:
  explicit ShardBalancer(int shards) : loads_(static_cast<std::size_t>(shards)) {}

  // The shard of each, when inputs come by size, the greatest first, and as many at a time as there are
  // shards (fewer at the end). Each shard gets one: so the numbers of inputs differ by one at most; the
  // greatest goes to the shard with the fewest bytes: so their bytes differ by no more than the greatest
  // input of all.
  std::vector<int> Deal(std::span<const ShardLoad> round);

  const std::vector<ShardLoad>& loads() const { return loads_; }

 private:
  std::vector<ShardLoad> loads_;
};

}  // namespace pipeline
