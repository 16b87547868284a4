#include "pipeline/worker_demand.h"

#include <algorithm>

namespace pipeline {

std::optional<int> WorkerDemand::Count(int entered, Clock::time_point now) {
  using Seconds = std::chrono::duration<double>;
  if (!known_until_) known_until_ = period_began_ = now;
  worked_ += at_work_ * (now - *known_until_);
  known_until_ = now;
  at_work_ += entered;
  const auto period = now - period_began_;
  if (period < kPeriod) return std::nullopt;
  const double at_work = Seconds(worked_) / Seconds(period);
  period_began_ = now;
  worked_ = {};
  return Decide(at_work);
}

std::optional<int> WorkerDemand::Decide(double at_work) {
  const int before = allowed_;
  if (at_work > kFull * allowed_) {
    allowed_ = std::min(most_, allowed_ + (allowed_ + 1) / 2);
  } else {
    // As many as would be full with a fifth more work.
    needed_ = std::max(needed_, static_cast<int>(at_work * 1.2 / kFull) + 1);
    if (++quiet_periods_ < kPatience) return std::nullopt;
    allowed_ = std::clamp(needed_, std::min(kLeast, allowed_), allowed_);
  }
  quiet_periods_ = needed_ = 0;
  return allowed_ == before ? std::nullopt : std::optional(allowed_);
}

}  // namespace pipeline
