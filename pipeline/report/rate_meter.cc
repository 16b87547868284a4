#include "pipeline/report/rate_meter.h"

namespace pipeline {

void RateMeter::Add(Clock::time_point now, std::uint64_t value) {
  samples_.push_back({now, value});
  while (samples_.size() > 2 && now - samples_.front().time > kWindow) samples_.pop_front();
}

double RateMeter::per_second() const {
  if (samples_.size() < 2) return 0;
  const std::chrono::duration<double> time = samples_.back().time - samples_.front().time;
  if (time.count() <= 0) return 0;
  return static_cast<double>(samples_.back().value - samples_.front().value) / time.count();
}

}  // namespace pipeline
