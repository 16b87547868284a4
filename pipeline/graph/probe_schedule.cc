#include "pipeline/graph/probe_schedule.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pipeline {

int ProbeSchedule::Target(int limit) const {
  if (upward_) return static_cast<int>(std::ceil(step().factor * limit));
  return static_cast<int>(kDownwardFactor * limit);
}

bool ProbeSchedule::Pays(double rate, double base_rate) const {
  return rate >= (upward_ ? step().min_ratio : kMinDownwardRatio) * base_rate;
}

void ProbeSchedule::OnKept() { wait_ = kMinWait; }

void ProbeSchedule::OnRejected(double rate, double base_rate, Clock::time_point now) {
  const bool was_large = std::exchange(large_steps_, false);
  if (was_large && rate >= kSmallStep.min_ratio * base_rate) {
    upward_ = true;
    due_ = now;
    return;
  }
  upward_ = !upward_;
  wait_ = std::min(wait_ * 3 / 2, kMaxWait);
  due_ = now + wait_;
}

void ProbeSchedule::OnNoRoom(Clock::time_point now) {
  upward_ = !upward_;
  large_steps_ = false;
  due_ = now + wait_;
}

void ProbeSchedule::OnBackOff(Clock::time_point now) {
  large_steps_ = false;
  upward_ = true;
  wait_ = kMaxWait;
  due_ = now + wait_;
}

}  // namespace pipeline
