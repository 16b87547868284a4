// A loop whose steps wait for the store, several at a time.
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

// Calls `step` with 0 to `count` - 1, once each, until one returns false; those that have begun end. `step`
// must not throw.
inline void ForEachInParallel(std::size_t count, const std::function<bool(std::size_t)>& step) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> go_on{true};
  const auto work = [&] {
    for (std::size_t i; go_on && (i = next++) < count;) {
      if (!step(i)) go_on = false;
    }
  };
  std::vector<std::jthread> helpers;
  try {
    for (std::size_t i = 1; i < std::min(count, kParallelSteps); ++i) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // No more threads: those that there are take more steps each.
  }
  work();
}

}  // namespace pipeline
