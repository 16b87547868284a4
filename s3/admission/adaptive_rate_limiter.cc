#include "s3/admission/adaptive_rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace s3 {
namespace {

double Seconds(AdaptiveRateLimiter::Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void AdaptiveRateLimiter::Roll(Clock::time_point now) {
  const auto elapsed = now - window_began_;
  if (elapsed < kWindow) return;
  const bool was_running = window_began_ != Clock::time_point{} && elapsed < 2 * kWindow;
  last_window_rate_ = was_running ? static_cast<double>(accepted_) / Seconds(elapsed) : -1;
  accepted_ = refusals_ = 0;
  window_began_ = now;
}

// Of the last whole window, or of this one, which knows more while the limit grows fast.
double AdaptiveRateLimiter::Taken(Clock::time_point now) const {
  const double elapsed = Seconds(now - window_began_);
  const double now_taken = static_cast<double>(accepted_) / std::max(elapsed, 0.1);
  if (last_window_rate_ < 0) return now_taken;
  return elapsed < 0.2 ? last_window_rate_ : std::max(last_window_rate_, now_taken);
}

void AdaptiveRateLimiter::Accepted(Clock::time_point now) {
  Roll(now);
  ++accepted_;
}

void AdaptiveRateLimiter::Refused(Clock::time_point now) {
  Roll(now);
  if (limit_ <= 0) {
    const bool too_early = last_window_rate_ < 0 && now - window_began_ < kFirstLook;
    if (++refusals_ < kRefusalsToBegin || too_early) return;
  }
  if (limit_ > 0 && now - cut_at_ < kCutInterval) return;
  const double taken = Taken(now);
  const double before = Limit(now);
  refused_at_ = std::max(kMin, before > 0 ? std::min(before, std::max(taken, before * kCut)) : taken);
  // A store that takes nothing gets less and less of it.
  limit_ = std::max(kMin, taken > 0 ? kCut * (before > 0 ? std::min(taken, before) : taken) : before / 2);
  cut_at_ = grown_at_ = now;
  // What was taken before the cut says nothing about what comes after it.
  last_window_rate_ = -1;
  accepted_ = refusals_ = 0;
  window_began_ = now;
}

double AdaptiveRateLimiter::Limit(Clock::time_point now) {
  if (limit_ <= 0) return 0;
  if (now <= grown_at_ + std::chrono::milliseconds(100)) return limit_;
  const double elapsed = Seconds(now - grown_at_);
  if (limit_ < refused_at_) {
    limit_ += refused_at_ * elapsed * kSlowGrowth;
    beyond_since_ = now;
  } else {
    const double growth = kFastGrowth * std::exp2(std::min(Seconds(now - beyond_since_), 4.0));
    limit_ += limit_ * std::min(elapsed, 1.0) * growth;
  }
  grown_at_ = now;
  if (limit_ > kNoEffect * refused_at_) limit_ = 0;
  return limit_;
}

}  // namespace s3
