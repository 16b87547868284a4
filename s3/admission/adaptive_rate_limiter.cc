#include "s3/admission/adaptive_rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace s3 {
namespace {

double Seconds(AdaptiveRateLimiter::Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void AdaptiveRateLimiter::RollWindow(Clock::time_point now) {
  const auto elapsed = now - window_began_;
  if (elapsed < kWindow) return;
  const bool was_running = window_began_ != Clock::time_point{} && elapsed < 2 * kWindow;
  last_window_rate_ = was_running ? static_cast<double>(accepted_) / Seconds(elapsed) : -1;
  accepted_ = throttled_ = 0;
  window_began_ = now;
}

// Returns the rate of the last complete window or, when it is higher, the rate of the current window: while
// the limit grows fast, only the current window shows the new rate.
double AdaptiveRateLimiter::AcceptedRate(Clock::time_point now) const {
  const double elapsed = Seconds(now - window_began_);
  const double current_rate = static_cast<double>(accepted_) / std::max(elapsed, 0.1);
  if (last_window_rate_ < 0) return current_rate;
  return elapsed < 0.2 ? last_window_rate_ : std::max(last_window_rate_, current_rate);
}

void AdaptiveRateLimiter::OnAccepted(Clock::time_point now) {
  RollWindow(now);
  ++accepted_;
}

void AdaptiveRateLimiter::OnThrottled(Clock::time_point now) {
  RollWindow(now);
  if (limit_ <= 0) {
    const bool too_early = last_window_rate_ < 0 && now - window_began_ < kMinObserved;
    if (++throttled_ < kMinThrottled || too_early) return;
  }
  if (limit_ > 0 && now - cut_at_ < kCutInterval) return;
  const double accepted = AcceptedRate(now);
  if (const double before = Limit(now); before > 0) {
    const double believed = std::max(accepted, before * kCut);
    throttled_rate_ = std::max(kMin, std::min(before, believed));
    // When the store accepts nothing, each cut halves the limit.
    limit_ = accepted > 0 ? kCut * std::min(accepted, before) : before / 2;
  } else {
    throttled_rate_ = std::max(kMin, accepted);
    limit_ = kCut * accepted;
  }
  limit_ = std::max(kMin, limit_);
  cut_at_ = grown_at_ = now;
  // The rate that the store accepted before the cut shows nothing about the rate after the cut.
  last_window_rate_ = -1;
  accepted_ = throttled_ = 0;
  window_began_ = now;
}

double AdaptiveRateLimiter::Limit(Clock::time_point now) {
  if (limit_ <= 0) return 0;
  if (now <= grown_at_ + std::chrono::milliseconds(100)) return limit_;
  const double elapsed = Seconds(now - grown_at_);
  if (limit_ < throttled_rate_) {
    limit_ += throttled_rate_ * elapsed * kSlowGrowth;
    beyond_since_ = now;
  } else {
    const double growth = kFastGrowth * std::exp2(std::min(Seconds(now - beyond_since_), 4.0));
    limit_ += limit_ * std::min(elapsed, 1.0) * growth;
  }
  grown_at_ = now;
  if (limit_ > kMaxOvershoot * throttled_rate_) limit_ = 0;
  return limit_;
}

}  // namespace s3
