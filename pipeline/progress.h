// The numbers of a run while it is in progress: the graph's tasks write them, the console and the status
// file read them.
#pragma once

#include <atomic>
#include <cstdint>

namespace pipeline {

// Inputs and their bytes.
struct Work {
  std::uint64_t inputs = 0, bytes = 0;
};

// Lock-free counters, any thread. The counters are not updated together, so their sums may disagree for a
// moment.
struct Progress {
  std::atomic<std::uint64_t> found{0};
  std::atomic<std::uint64_t> found_bytes{0};
  std::atomic<std::uint64_t> done{0};  // inputs that have a result
  // How the inputs that are done have ended.
  std::atomic<std::uint64_t> uploaded{0}, skipped{0}, failed{0}, cancelled{0}, sent{0};
  std::atomic<std::uint64_t> done_bytes{0};      // bytes that the store has acknowledged, part by part
  std::atomic<std::uint64_t> left_out_bytes{0};  // of inputs that were skipped, failed or cancelled
  std::atomic<std::uint64_t> retries{0};
  std::atomic<int> in_flight{0};
  // About how many inputs and bytes this session has; see InputEstimate. 0: not known.
  std::atomic<std::uint64_t> expected{0}, expected_bytes{0};
  std::atomic<bool> all_found{false};  // true when the walk has ended: `found` is then the total
};

}  // namespace pipeline
