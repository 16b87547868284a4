// Finds requests that take far longer than their peers, which are requests with bodies of a similar size.
// Not thread-safe.
//
// At a large store about one request in a thousand hangs for seconds while its peers take milliseconds. The
// same request over another connection succeeds at once. https://docs.aws.amazon.com/whitepapers/latest/
// s3-optimizing-performance-best-practices/timeouts-and-retries-for-latency-sensitive-applications.html
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace s3 {

class StragglerDetector {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = Clock::duration;

  // `sharers`: the number of detectors of one run. They share kMax and kPerSecond of TryCancel.
  explicit StragglerDetector(int sharers = 1) : sharers_(sharers) {}

  // Sets the number of requests in flight. If the number has grown by the factor kClimb, forgets all response
  // times, because all requests now take longer than before.
  void InFlight(std::size_t count);
  // Records that the response to a request with a body of `bytes` came after `took`.
  void Answered(std::uint64_t bytes, Duration took);
  // Returns the age above which a request with a body of `bytes` is a straggler. Returns nothing while fewer
  // than kPeers response times of its size class are known.
  std::optional<Duration> Limit(std::uint64_t bytes) const;
  // Returns true if one straggler may be cancelled now, and counts the cancellation. If many requests are
  // slow, the store is slow, and cancelling them would only add to its load. So among N responses in T
  // seconds, at most kMax + kShare * N + kPerSecond * T requests are cancelled.
  bool TryCancel(Clock::time_point now);

  static constexpr std::chrono::milliseconds kMin{250};  // the smallest result of Limit
  static constexpr int kTimes = 4;                       // Limit returns this multiple of the 95th percentile
  static constexpr std::uint64_t kPeers = 64;
  static constexpr double kShare = 0.02, kPerSecond = 1, kMax = 4;
  static constexpr double kClimb = 1.25;  // relative to the count at which InFlight last forgot the times

 private:
  struct Class {
    std::uint64_t answered = 0;
    double p95_s = 0;
  };
  // Requests are peers if their sizes have the same bit width, so their sizes are within a factor of two.
  static std::size_t ClassOf(std::uint64_t bytes);

  std::array<Class, 65> classes_{};
  double max_allowance() const { return std::max(1.0, kMax / sharers_); }

  const int sharers_;
  std::size_t measured_in_flight_ = 0;
  double allowance_ = 0;
  std::optional<Clock::time_point> allowed_at_{};  // when TryCancel was last called
};

}  // namespace s3
