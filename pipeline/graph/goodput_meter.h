// Goodput at one number of slots, measured in rounds. A value, not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace pipeline {

// A task that has reached the sink.
struct Returned {
  int slots = 1;                               // that it held
  std::uint64_t bytes = 0;                     // of its HTTP body
  std::chrono::steady_clock::duration took{};  // since it left the source
  bool undisturbed = true;                     // one attempt, and it succeeded
};

// A round lasts until every slot in circulation has returned once, and for a minimum time. The first round
// is not counted: its tasks left the source under another limit.
class GoodputMeter {
 public:
  using Clock = std::chrono::steady_clock;

  // Starts with the round that is not counted.
  explicit GoodputMeter(Clock::time_point now) : began_(now) {}
  // Starts a round that counts: the limit has not changed.
  static GoodputMeter Counting(Clock::time_point now);

  // Adds a task. Returns true when it completes a round that counts; Restart() starts the next one.
  bool Add(const Returned& task, int circulation, Clock::duration min_round, Clock::time_point now);
  void Restart(Clock::time_point now);

  // Of this round. Each undisturbed task counts 1, and 1 for each MiB, per second. This does not depend on
  // how many slots a task holds, because that changes with the number of slots.
  double Rate(Clock::time_point now) const;
  int returned_slots() const { return returned_slots_; }

 private:
  bool counts_ = false;
  Clock::time_point began_;  // of this round
  int returned_slots_ = 0;
  double goodput_ = 0;
};

}  // namespace pipeline
