#include "pipeline/worker_demand.h"

#include <algorithm>
#include <cmath>

namespace pipeline {

std::optional<int> WorkerDemand::Look(Clock::time_point now) {
  if (!IsDue(now)) return std::nullopt;
  looked_at_ = Ns(now);
  const std::uint64_t account = account_;
  const auto count = account & ((1 << kCountBits) - 1);
  const auto worked = (account & ~((1ULL << kCountBits) - 1)) + ((count * Ns(now)) << kCountBits);
  // Who has entered a moment ago may be ahead of `now`: with nothing else at work, less than nothing was
  // done.
  const auto in_period = static_cast<std::int64_t>(worked - worked_before_) >> kCountBits;
  const auto period = now - began_;
  const double at_work = static_cast<double>(in_period) / static_cast<double>(Ns(period));
  const bool all = at_work > kAll * allowed_;
  if (!all && period < kPeriod) return std::nullopt;
  began_ = now;
  worked_before_ = worked;
  return all ? Grow(allowed_) : Decide(at_work);
}

std::optional<int> WorkerDemand::Grow(int more) {
  const int before = allowed_;
  allowed_ = std::min(most_, allowed_ + more);
  quiet_periods_ = needed_ = 0;
  return allowed_ == before ? std::nullopt : std::optional(allowed_);
}

std::optional<int> WorkerDemand::Decide(double at_work) {
  if (at_work > kFull * allowed_) return Grow((allowed_ + 1) / 2);
  // As many as would be full with a tenth more work.
  needed_ = std::max(needed_, static_cast<int>(std::ceil(at_work * 1.1 / kFull)));
  if (++quiet_periods_ < kPatience) return std::nullopt;
  const int before = allowed_;
  allowed_ = std::clamp(needed_, std::min(kLeast, allowed_), allowed_);
  quiet_periods_ = needed_ = 0;
  return allowed_ == before ? std::nullopt : std::optional(allowed_);
}

}  // namespace pipeline
