// Runs the steps of a loop in several threads, because each step waits for the store.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

namespace pipeline {

inline constexpr std::size_t kParallelSteps = 16;

// Calls `step` once with each number from 0 to `count` - 1, in up to kParallelSteps threads. After a step has
// returned false, starts no more steps. Blocks until all started steps have ended. `step` must not throw.
inline void ForEachInParallel(std::size_t count, const std::function<bool(std::size_t)>& step) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> proceed{true};
  const auto work = [&] {
    for (std::size_t i; proceed && (i = next++) < count;) {
      if (!step(i)) proceed = false;
    }
  };
  std::vector<std::jthread> helpers;
  try {
    for (std::size_t i = 1; i < std::min(count, kParallelSteps); ++i) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // The system can start no more threads, so the existing threads run more steps each.
  }
  work();
}

}  // namespace pipeline
