// How many workers have work. oneTBB's idle workers look for more for a while before they sleep: where tasks
// come every few microseconds they never sleep, and on a node with many cores they cost more than the work
// does.
#pragma once

#include <chrono>
#include <optional>

namespace pipeline {

// Told when bodies begin or go on and end or wait, it knows how many were at work on average. A value; not
// thread-safe. Time never goes backwards. Bodies that hang in a file system tell nothing, so that it is to be
// asked, too, when there is something to go on with, and now and then.
class WorkerDemand {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WorkerDemand(int most) : most_(most), allowed_(most < kFirst ? most : kFirst) {}

  int allowed() const { return allowed_; }
  // `entered` more bodies are at work, or fewer. How many workers to allow from now on, when that changes.
  std::optional<int> Count(int entered, Clock::time_point now);

  // So few cost nothing. So many begin: a run of many small files needs no more.
  static constexpr int kLeast = 2, kFirst = 4;
  // When bodies fill so much of the workers' time these may be too few: the rest of it is oneTBB's own work.
  // Then there are half as many more.
  static constexpr double kFull = 0.65;
  static constexpr std::chrono::milliseconds kPeriod{10};
  // So many periods need fewer before there are fewer.
  static constexpr int kPatience = 10;

 private:
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
