// How many workers have work. oneTBB's idle workers look for more for a while before they sleep: where tasks
// come every few microseconds they never sleep, and on a node with many cores they cost more than the work
// does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace pipeline {

// Told when bodies begin or go on and end or wait, it knows how many were at work on average. Bodies that
// hang in a file system tell nothing, so that it is to be asked now and then, too.
class WorkerScaler {
 public:
  using Clock = std::chrono::steady_clock;

  WorkerScaler(int most, Clock::time_point now)
      : most_(most), few_(most < kMin ? most : kMin), allowed_(few_), looked_at_(now) {}

  // One more body is at work, or one fewer. Any thread; without a lock, since all workers do it all the time.
  void Enter(Clock::time_point now) { account_ += kOne - Time(now); }
  void Leave(Clock::time_point now) { account_ += kLeft - kOne + Time(now); }
  // Whether it is time for Look. Any thread.
  bool IsDue(Clock::time_point now) const { return now - looked_at_.load() >= kGlance; }
  // How many workers to allow from now on, when that changes. One thread at a time, as `allowed`.
  std::optional<int> Look(Clock::time_point now);
  int allowed() const { return allowed_; }

  // So few cost nothing, and many small files seldom need more.
  static constexpr int kMin = 2;
  // When bodies fill so much of the workers' time in a period these may be too few: the rest of it is
  // oneTBB's own work. Then there are half as many more.
  static constexpr double kFull = 0.85;
  static constexpr std::chrono::milliseconds kPeriod{10};
  // So many periods need fewer before there are fewer.
  static constexpr int kPatience = 10;
  // Where bodies are longer on average, as with hashing and with file systems that hang, idle workers cost
  // little: when the few are full at two glances, all are allowed, for as long as bodies stay so. The first
  // ones of small files are longer, too, for a moment.
  static constexpr std::chrono::microseconds kLong{50};
  static constexpr std::chrono::milliseconds kGlance{2};

 private:
  // One word, so that all of it is of one moment: how many bodies are at work, how many have left, and the
  // times when they left less those when they entered. The last two begin anew after a while, the times after
  // 19 hours.
  static constexpr int kCountBits = 12;  // never more bodies than workers: `upload.threads`
  using Left = std::uint16_t;
  static constexpr int kTimeAt = kCountBits + std::numeric_limits<Left>::digits;
  static constexpr std::uint64_t kOne = 1, kLeft = kOne << kCountBits;

  static std::uint64_t Time(Clock::time_point time) {
    using Microseconds = std::chrono::microseconds;
    return static_cast<std::uint64_t>(std::chrono::floor<Microseconds>(time).time_since_epoch().count())
           << kTimeAt;
  }
  void Add(double worked, Clock::duration time);

  const int most_;
  int few_;               // that small bodies need
  int full_of_long_ = 0;  // glances in a row
  bool long_ = false;
  int allowed_;
  Left left_before_ = 0;
  std::uint64_t worked_before_ = 0;
  Clock::duration period_{};
  double worked_ = 0;  // seconds, in this period
  int quiet_periods_ = 0, needed_ = 0;
  alignas(64) std::atomic<Clock::time_point> looked_at_;
  alignas(64) std::atomic<std::uint64_t> account_ = 0;
};

}  // namespace pipeline
