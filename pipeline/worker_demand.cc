#include "pipeline/worker_demand.h"

#include <algorithm>

namespace pipeline {

std::optional<int> WorkerDemand::Look(Clock::time_point now) {
  if (!IsDue(now)) return std::nullopt;
  const std::uint64_t account = account_;
  const auto count = account & ((1 << kCountBits) - 1);
  // Who has entered a moment ago may be ahead of `now`: with nothing else at work, less than nothing was
  // done.
  const auto worked = (account & ~((1ULL << kCountBits) - 1)) + ((count * Ns(now)) << kCountBits);
  const auto in_period = static_cast<std::int64_t>(worked - worked_before_) >> kCountBits;
  const auto period = static_cast<double>(Ns(now) - looked_at_);
  worked_before_ = worked;
  looked_at_ = Ns(now);
  return Decide(static_cast<double>(in_period) / period);
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
