#include "pipeline/graph/latency_floor.h"

#include <algorithm>
#include <bit>

namespace pipeline {

bool LatencyFloor::IsFast(std::uint64_t bytes, Duration took) {
  using Seconds = std::chrono::duration<double>;
  auto& fastest = fastest_[static_cast<std::size_t>(std::bit_width(bytes))];
  fastest = std::min(fastest, took);
  return Seconds(took).count() <= kFast * Seconds(fastest).count();
}

}  // namespace pipeline
