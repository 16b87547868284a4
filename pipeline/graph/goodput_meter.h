// Measures goodput at one number of slots, in rounds. A value, not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace pipeline {

// A task that has reached the sink.
struct Returned {
  int slots = 1;                               // slots that the task held
  std::uint64_t bytes = 0;                     // bytes of its HTTP body
  std::chrono::steady_clock::duration took{};  // time since the task left the source
  bool undisturbed = true;                     // the first attempt succeeded
};

// A round ends when as many slots have returned as circulate, but not before a minimum time. The first round
// is not used, because its tasks left the source under another limit.
class GoodputMeter {
 public:
  using Clock = std::chrono::steady_clock;

  // Starts the first round, which is not used.
  explicit GoodputMeter(Clock::time_point now) : began_(now) {}
  // Returns a meter that uses its first round, too, because the limit has not changed.
  static GoodputMeter Counting(Clock::time_point now);

  // Adds a task. Returns true if the task ends a round that is used. After that, call Restart() to begin the
  // next round.
  bool Add(const Returned& task, int circulation, Clock::duration min_round, Clock::time_point now);
  void Restart(Clock::time_point now);

  // Returns this round's goodput per second. Each undisturbed task adds 1, plus 1 for each MiB. The slots of
  // a task add nothing, because their number changes with the limit.
  double Rate(Clock::time_point now) const;
  int returned_slots() const { return returned_slots_; }

 private:
  bool counts_ = false;
  Clock::time_point began_;  // of this round
  int returned_slots_ = 0;
  double goodput_ = 0;
};

}  // namespace pipeline
