// Which requests take far longer than their peers. A value; not thread-safe.
//
// About one request in a thousand of a large store hangs for seconds while its peers take milliseconds; a
// second one over another connection is answered at once. https://docs.aws.amazon.com/whitepapers/latest/
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

  // `sharers`: how many of these judge the requests of one run; together they keep the limits below.
  explicit StragglerDetector(int sharers = 1) : sharers_(sharers) {}

  // So many requests are in flight. When they have become more, all take longer than those before did: what
  // was known of peers is forgotten.
  void InFlight(std::size_t count);
  // A request with a body of so many bytes was answered after `took`.
  void Answered(std::uint64_t bytes, Duration took);
  // From when on a request of that size is a straggler; nothing while too few of its peers are known.
  std::optional<Duration> Limit(std::uint64_t bytes) const;
  // Whether one may be given up now. When many are slow it is the store, and giving them up would only make
  // more work. Of N that are answered in T seconds, at most kMax + kShare * N + kPerSecond * T are given up.
  bool TryCancel(Clock::time_point now);

  static constexpr std::chrono::milliseconds kMin{250};
  static constexpr int kTimes = 4;  // the 95th percentile
  static constexpr std::uint64_t kPeers = 64;
  static constexpr double kShare = 0.02, kPerSecond = 1, kMax = 4;
  static constexpr double kClimb = 1.25;  // more in flight than when peers were measured

 private:
  struct Class {
    std::uint64_t answered = 0;
    double p95_s = 0;
  };
  // Sizes within a factor of two are peers.
  static std::size_t ClassOf(std::uint64_t bytes);

  std::array<Class, 65> classes_{};
  double most() const { return std::max(1.0, kMax / sharers_); }

  const int sharers_;
  std::size_t measured_in_flight_ = 0;
  double allowance_ = 0;
  std::optional<Clock::time_point> allowed_at_{};  // nothing before the first question
};

}  // namespace s3
