// The numbers of a running run: written by the bodies, read by whoever shows them.
#pragma once

#include <atomic>
#include <cstdint>

namespace pipeline {

// Lock-free counters that need not agree with each other at any one moment.
struct Progress {
  std::atomic<std::uint64_t> found{0};
  std::atomic<std::uint64_t> found_bytes{0};
  std::atomic<std::uint64_t> settled{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> settled_bytes{0};  // acknowledged, part by part
  std::atomic<std::uint64_t> retries{0};
  std::atomic<int> in_flight{0};
  std::atomic<bool> all_found{false};  // the walk has ended: `found` is the total
};

}  // namespace pipeline
