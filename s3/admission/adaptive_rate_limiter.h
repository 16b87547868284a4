// Which rate of requests a store takes: found from its refusals ("SlowDown"). A value; not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace s3 {

// Without a refusal there is no limit. After one, requests are limited to a little less than what the store
// took meanwhile; then the limit grows, slowly up to where it was refused and faster beyond, until the next
// refusal, or until it has no effect any more. It is what TCP CUBIC and the AWS SDKs' adaptive mode do, with
// a rate of requests in place of a window.
class AdaptiveRateLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  void Accepted(Clock::time_point now);
  void Refused(Clock::time_point now);
  // True from when there were many refusals until the first limit has had its effect, and after each cut.
  bool IsSearching(Clock::time_point now) const {
    return limit_ <= 0 ? refusals_ >= kRefusalsToBegin : now - cut_at_ < kCutInterval;
  }
  // Requests a second; 0 for no limit.
  double Limit(Clock::time_point now);

  // A refusal says something new only after the last cut has had its effect.
  static constexpr std::chrono::milliseconds kCutInterval{500};
  static constexpr double kCut = 0.9;          // of the rate that was taken
  static constexpr double kSlowGrowth = 0.01;  // of it, a second, up to the rate that was refused
  static constexpr double kFastGrowth = 0.10;  // a second, beyond; twice as much after each second there
  static constexpr double kNoEffect = 64.0;    // times the rate that was refused: then there is no limit
  static constexpr double kMin = 10.0;
  // A few refusals are what backoff is for.
  static constexpr int kRefusalsToBegin = 10;

 private:
  void Roll(Clock::time_point now);
  double Taken(Clock::time_point now) const;

  static constexpr std::chrono::milliseconds kWindow{500}, kFirstLook{200};
  Clock::time_point window_began_{};
  std::uint64_t accepted_ = 0, refusals_ = 0;  // in this window
  double last_window_rate_ = -1;               // negative: there was none
  double limit_ = 0;
  double refused_at_ = 0;
  Clock::time_point cut_at_{}, grown_at_{}, beyond_since_{};
};

}  // namespace s3
