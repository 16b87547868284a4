#include "pipeline/graph/limit_series.h"

namespace pipeline {

void LimitSeries::Add(int limit, Clock::time_point now) {
  if (points_.back().second == limit) return;
  points_.emplace_back(std::chrono::duration<double>(now - start_).count(), limit);
  if (points_.size() < kMaxPoints) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points_.size(); i += 2) points_[kept++] = points_[i];
  points_.resize(kept);
}

}  // namespace pipeline
