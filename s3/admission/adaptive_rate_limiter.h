// Estimates how many requests a second a store accepts, from its throttling responses ("SlowDown"). A value;
// not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace s3 {

// There is no limit until the store throttles requests. Then the limit becomes a little lower than the rate
// that the store was accepting. From then on the limit grows: slowly up to the rate at which the store
// throttled, faster above that rate. The growth ends when the store throttles again, or when the limit is too
// high to matter. TCP CUBIC does the same with a congestion window, and the AWS SDKs' adaptive retry mode
// with a rate.
class AdaptiveRateLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  // Record that the store accepted, or throttled, a request.
  void OnAccepted(Clock::time_point now);
  void OnThrottled(Clock::time_point now);

  // Returns true while the estimate is not reliable: for kCutInterval after each cut and, before the first
  // limit, once kMinThrottled responses of a window were throttled.
  bool IsEstimatingRate(Clock::time_point now) const {
    return limit_ <= 0 ? throttled_ >= kMinThrottled : now - cut_at_ < kCutInterval;
  }

  // Returns the limit in requests a second; 0 means no limit. Not const, because each call increases the
  // limit by the growth since the last call.
  double Limit(Clock::time_point now);

  // The minimum time between two cuts: the last cut must have had its effect.
  static constexpr std::chrono::milliseconds kCutInterval{500};
  // A cut sets the limit to this share of the accepted rate.
  static constexpr double kCut = 0.9;
  // The growth per second while the limit is below the throttled rate, as a share of that rate.
  static constexpr double kSlowGrowth = 0.01;
  // The growth per second while the limit is above the throttled rate, as a share of the limit. This share
  // doubles with each of the first four seconds above that rate.
  static constexpr double kFastGrowth = 0.10;
  // The limit is removed when it is more than this many times the throttled rate.
  static constexpr double kMaxOvershoot = 64.0;
  // The lowest limit, in requests a second.
  static constexpr double kMin = 10.0;
  // Fewer throttled responses than this set no limit, because backoff is enough for them.
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
