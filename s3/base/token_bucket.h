// Limits a rate to a number of units a second on average. Saves the unused units of at most 20 ms for a
// burst. A value; not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>

namespace s3 {

class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  // Sets the rate in units a second; 0 or less means no limit.
  void SetRate(double per_second, Clock::time_point now) {
    Refill(now);
    if (rate_ <= 0) tokens_ = per_second * kBurstSeconds;
    rate_ = per_second;
    tokens_ = std::min(tokens_, Burst());
  }
  double rate() const { return rate_; }

  // Returns true if Take() may be called now, with any amount. If Take() takes more than the bucket contains,
  // the bucket goes into debt, and Ready() returns false until the debt is paid. So the average rate is kept
  // for amounts of any size.
  bool Ready(Clock::time_point now) {
    Refill(now);
    return rate_ <= 0 || tokens_ >= 0;
  }
  void Take(double units) {
    if (rate_ > 0) tokens_ -= units;
  }
  // Returns the time until Ready() returns true; zero if it does so now.
  Clock::duration Until(Clock::time_point now) {
    if (Ready(now)) return Clock::duration::zero();
    return std::chrono::ceil<Clock::duration>(std::chrono::duration<double>(-tokens_ / rate_));
  }

 private:
  static constexpr double kBurstSeconds = 0.02;
  double Burst() const { return std::max(rate_ * kBurstSeconds, 0.0); }
  void Refill(Clock::time_point now) {
    if (now <= last_) return;
    const auto elapsed = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    if (rate_ > 0) tokens_ = std::min(tokens_ + elapsed * rate_, Burst());
  }

  double rate_ = 0;
  double tokens_ = 0;
  Clock::time_point last_{};
};

}  // namespace s3
