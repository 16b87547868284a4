// Measures how fast a counter grows, over the last seconds. A value; not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace pipeline {

class RateMeter {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kWindow{15};

  // Records the counter's value at `now`. Times and values never decrease.
  void Add(Clock::time_point now, std::uint64_t value);
  // Returns the growth per second between the oldest value in the window and the latest one. Returns 0 before
  // the second value.
  double per_second() const;

 private:
  struct Sample {
    Clock::time_point time;
    std::uint64_t value;
  };
  std::deque<Sample> samples_;
};

}  // namespace pipeline
