// The concurrency controller's limit over time, for the summary. A value, not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace pipeline {

// Has one point for each change of the limit. When there are kMaxPoints, drops every second point, so that
// memory is bounded.
class LimitSeries {
 public:
  using Clock = std::chrono::steady_clock;
  using Points = std::vector<std::pair<double, int>>;  // seconds since the start, limit

  LimitSeries(int limit, Clock::time_point start) : start_(start), points_{{0.0, limit}} {}

  void Add(int limit, Clock::time_point now);
  const Points& points() const { return points_; }

  static constexpr std::size_t kMaxPoints = 2000;

 private:
  Clock::time_point start_;
  Points points_;
};

}  // namespace pipeline
