// How many workers have work. oneTBB's idle workers look for more for a while before they sleep: where tasks
// come every few microseconds they never sleep, and on a node with many cores they cost more than the work
// does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace pipeline {

// Told when bodies begin or go on and end or wait, it knows how many were at work on average. Bodies that
// hang in a file system tell nothing, so that it is to be asked now and then, too.
class WorkerDemand {
 public:
  using Clock = std::chrono::steady_clock;

  WorkerDemand(int most, Clock::time_point now)
      : most_(most), allowed_(most < kLeast ? most : kLeast), began_(now), looked_at_(Ns(now)) {}

  // One more body is at work, or one fewer. Any thread; without a lock, since all workers do it all the time.
  void Enter(Clock::time_point now) { account_ += 1 - (Ns(now) << kCountBits); }
  void Leave(Clock::time_point now) { account_ += (Ns(now) << kCountBits) - 1; }
  // Whether it is time for Look. Any thread.
  bool IsDue(Clock::time_point now) const { return Ns(now) - looked_at_ >= Ns(kShortPeriod); }
  // How many workers to allow from now on, when that changes. One thread at a time, as `allowed`.
  std::optional<int> Look(Clock::time_point now);
  int allowed() const { return allowed_; }

  // So few cost nothing, and many small files seldom need more.
  static constexpr int kLeast = 2;
  // When bodies fill so much of the workers' time in a period these may be too few: the rest of it is
  // oneTBB's own work. Then there are half as many more.
  static constexpr double kFull = 0.85;
  static constexpr std::chrono::milliseconds kPeriod{10};
  // Bodies that leave nothing of it are long ones, which nobody need wait to see: there are twice as many.
  static constexpr double kAll = 0.95;
  static constexpr std::chrono::milliseconds kShortPeriod{2};
  // So many periods need fewer before there are fewer.
  static constexpr int kPatience = 10;

 private:
  // Never more bodies than workers: see `upload.threads`.
  static constexpr int kCountBits = 12;

  static std::uint64_t Ns(std::chrono::nanoseconds time) { return static_cast<std::uint64_t>(time.count()); }
  static std::uint64_t Ns(Clock::time_point time) { return Ns(time.time_since_epoch()); }
  std::optional<int> Grow(int more);
  std::optional<int> Decide(double at_work);

  const int most_;
  int allowed_;
  Clock::time_point began_;  // the period
  std::uint64_t worked_before_ = 0;
  int quiet_periods_ = 0, needed_ = 0;
  alignas(64) std::atomic<std::uint64_t> looked_at_;
  // How many are at work, and above that the times when bodies left less those when they entered, modulo 52
  // days: in one word, so that both are of the same moment.
  alignas(64) std::atomic<std::uint64_t> account_ = 0;
};

}  // namespace pipeline
