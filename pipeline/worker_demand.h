// How many workers have work. oneTBB's idle workers look for more for a while before they sleep: where tasks
// come every few microseconds they never sleep, and on a node with many cores they cost more than the work
// does.
#pragma once

#include <chrono>
#include <optional>

namespace pipeline {

// Told when bodies begin or go on (Enter) and end or wait (Leave), it knows how many were at work on average.
// A value; not thread-safe. Time never goes backwards; bodies that hang in a file system let none pass, so
// that Look is called, too, when there is something to go on with, and now and then.
class WorkerDemand {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WorkerDemand(int most) : most_(most), allowed_(most < kFirst ? most : kFirst) {}

  int allowed() const { return allowed_; }
  // How many to allow from now on, when that changes.
  std::optional<int> Enter(Clock::time_point now) { return Look(now, 1); }
  std::optional<int> Leave(Clock::time_point now) { return Look(now, -1); }
  std::optional<int> Look(Clock::time_point now) { return Look(now, 0); }

  // So few cost nothing. So many begin: a run of many small files needs no more.
  static constexpr int kLeast = 2, kFirst = 4;
  // When bodies fill so much of the workers' time these may be too few: the rest of it is oneTBB's own work.
  // Then there are twice as many.
  static constexpr double kFull = 0.65;
  static constexpr std::chrono::milliseconds kPeriod{10};
  // So many periods need fewer before there are fewer.
  static constexpr int kPatience = 10;

 private:
  std::optional<int> Look(Clock::time_point now, int entered);
  std::optional<int> Decide(double at_work);

  const int most_;
  int allowed_;
  int at_work_ = 0;
  std::optional<Clock::time_point> known_until_;
  Clock::time_point period_began_;
  Clock::duration worked_{};  // by all, in this period
  int quiet_periods_ = 0, needed_ = 0;
};

}  // namespace pipeline
