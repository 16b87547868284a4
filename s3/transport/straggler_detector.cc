#include "s3/transport/straggler_detector.h"

#include <algorithm>
#include <bit>

namespace s3 {

std::size_t StragglerDetector::ClassOf(std::uint64_t bytes) {
  return static_cast<std::size_t>(std::bit_width(bytes));
}

void StragglerDetector::InFlight(std::size_t count) {
  if (static_cast<double>(count) <= kClimb * static_cast<double>(measured_in_flight_)) return;
  measured_in_flight_ = count;
  classes_.fill({});
}

void StragglerDetector::Answered(std::uint64_t bytes, Duration took) {
  auto& peers = classes_[ClassOf(bytes)];
  const double seconds = std::chrono::duration<double>(took).count();
  ++peers.answered;
  allowance_ = std::min(allowance_ + kShare, max_allowance());
  if (peers.answered == 1) {
    peers.p95_s = seconds;
    return;
  }
  // The estimate converges to the value that one response in twenty exceeds, because this response moves the
  // estimate up as far as the other nineteen move it down.
  constexpr double kStep = 0.05;
  peers.p95_s *= seconds > peers.p95_s ? 1 + kStep * 0.95 : 1 - kStep * 0.05;
}

std::optional<StragglerDetector::Duration> StragglerDetector::Limit(std::uint64_t bytes) const {
  const auto& peers = classes_[ClassOf(bytes)];
  if (peers.answered < kPeers) return std::nullopt;
  const auto limit =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(kTimes * peers.p95_s));
  return std::max<Duration>(limit, kMin);
}

bool StragglerDetector::TryCancel(Clock::time_point now) {
  const double elapsed = std::chrono::duration<double>(now - allowed_at_.value_or(now)).count();
  allowance_ = std::min(allowance_ + kPerSecond / sharers_ * elapsed, max_allowance());
  allowed_at_ = now;
  if (allowance_ < 1) return false;
  allowance_ -= 1;
  return true;
}

}  // namespace s3
