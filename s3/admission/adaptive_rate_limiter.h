// Estimates how many requests a second a store accepts, from its throttling responses ("SlowDown"). A value;
// not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace s3 {

// There is no limit until the store throttles requests. Then the limit becomes a little less than the rate
// that the store accepted meanwhile. From there it grows: slowly up to the rate that was throttled, faster
// beyond it, until the store throttles again or the limit is too high to matter. TCP CUBIC does the same
// with a congestion window, and the AWS SDKs' adaptive retry mode with a rate.
class AdaptiveRateLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  // Record that the store accepted, or throttled, a request.
  void OnAccepted(Clock::time_point now);
  void OnThrottled(Clock::time_point now);

  // True while the estimate is not reliable: before the first limit, once kMinThrottled responses in a window
  // were throttled; and for kCutInterval after each cut.
  bool IsEstimatingRate(Clock::time_point now) const {
    return limit_ <= 0 ? throttled_ >= kMinThrottled : now - cut_at_ < kCutInterval;
  }

  // Returns the limit in requests a second; 0 means no limit. Not const: each call lets the limit grow.
  double Limit(Clock::time_point now);

  // A limit is cut only after the last cut has had its effect.
  static constexpr std::chrono::milliseconds kCutInterval{500};
  // A cut sets the limit to this share of the accepted rate.
  static constexpr double kCut = 0.9;
  // Growth a second below the throttled rate, as a share of that rate.
  static constexpr double kSlowGrowth = 0.01;
  // Growth a second beyond the throttled rate, as a share of the limit; doubles with each second there.
  static constexpr double kFastGrowth = 0.10;
  // The limit ends when it is this many times the throttled rate.
  static constexpr double kMaxOvershoot = 64.0;
  // The limit is never lower, in requests a second.
  static constexpr double kMin = 10.0;
  // Fewer throttled responses than this set no limit: backoff handles them.
  static constexpr int kMinThrottled = 10;

 private:
  void RollWindow(Clock::time_point now);
  double AcceptedRate(Clock::time_point now) const;

  static constexpr std::chrono::milliseconds kWindow{500}, kMinObserved{200};
  Clock::time_point window_began_{};
  std::uint64_t accepted_ = 0, throttled_ = 0;  // in this window
  double last_window_rate_ = -1;                // accepted requests a second; negative: unknown
  double limit_ = 0;
  double throttled_rate_ = 0;  // at the last cut
  Clock::time_point cut_at_{}, grown_at_{}, beyond_since_{};
};

}  // namespace s3
