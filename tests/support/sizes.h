// File sizes as in real sources.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace test {

// Returns many small and few large sizes, in bytes.
inline std::vector<std::uint64_t> RealisticSizes(std::mt19937_64* random, int count) {
  std::lognormal_distribution<double> sizes(9, 3);
  std::vector<std::uint64_t> all;
  for (int i = 0; i < count; ++i) all.push_back(static_cast<std::uint64_t>(std::min(sizes(*random), 1e12)));
  return all;
}

}  // namespace test
