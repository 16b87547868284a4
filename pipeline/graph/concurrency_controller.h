// How many slots circulate between source and sink: fixed, or found by how the store answers.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "pipeline/options.h"

namespace pipeline {

struct SlotLimits {
  int first = 64;  // to begin with
  int least = 4;
  int most = 1024;       // equal to `first` and `least`: fixed
  int first_large = 16;  // tasks of many bytes to begin with
  bool fixed() const { return least == most; }
};

// `concurrency` slots, or what kAuto means: more large tasks to begin with where more cores digest them.
SlotLimits SlotLimitsOf(const UploadOptions& options);

// A task that has come to the sink.
struct Returned {
  int slots = 1;
  std::uint64_t bytes = 0;                     // of its body
  std::chrono::steady_clock::duration took{};  // since it left the source
  bool undisturbed = true;                     // sent once, answered well
};

// Climbs while it pays. The first ascent goes by latency: while tasks take hardly longer than the fastest of
// their size, the store is not busy, and every one that returns brings others with it. When they take longer,
// more slots would only wait in a queue, or the store's latencies differ by themselves: from then on goodput
// decides. Twice as many are tried at once, for as long as that pays. Then, now and then, a few slots more
// are tried, and kept when more comes through; or a few less, and those are kept when not less comes through.
// A trial that changed nothing makes the next one wait longer. Refusals to go so fast lead down at once; the
// rate itself is s3/admission/adaptive_rate_limiter.h's.
//
// A task of many bytes takes several slots (WeightOf): few large requests fill a line, many small ones do.
// Called by the sink alone, but for circulation().
class ConcurrencyController {
 public:
  using Clock = std::chrono::steady_clock;

  ConcurrencyController(const SlotLimits& limits, Clock::time_point now);

  // How many slots a task takes: one for each MiB, but as many are in flight at first as the limits say, and
  // at least four always.
  int WeightOf(std::uint64_t bytes) const;
  // Takes what a task held and returns how many slots go on to the source. `refused`: how many answers of the
  // store have asked for less, ever.
  int Return(const Returned& task, std::uint64_t refused, Clock::time_point now);
  // That there are, with the source or in flight. Any thread.
  int circulation() const { return circulation_; }

  // (seconds since the beginning, slots), at each change, thinned out to at most kMaxPoints.
  using Series = std::vector<std::pair<double, int>>;
  const Series& series() const { return series_; }
  static constexpr std::size_t kMaxPoints = 2000;

 private:
  enum class Phase { kAscent, kSteady, kUp, kDown };

  bool IsFast(const Returned& task);
  void SlowStart(const Returned& task, std::uint64_t refused, Clock::time_point now);
  void BackOff(std::uint64_t refused, Clock::time_point now);
  void EndRound(std::uint64_t refused, Clock::time_point now);
  void Try(Clock::time_point now);
  void SetLimit(int wanted, Clock::time_point now);
  void Settle(Clock::time_point now);
  void BeginRound(Clock::time_point now);

  const SlotLimits limits_;
  const Clock::time_point began_;
  std::atomic<int> circulation_;
  int wanted_;
  Phase phase_ = Phase::kAscent;
  std::array<Clock::duration, 65> fastest_;  // of each size (powers of two)
  int slow_in_a_row_ = 0;
  bool climbing_ = true;  // every trial so far has paid, and was a large step
  // A round is what is measured: first what was under way is let through, then goodput counts.
  Clock::time_point round_began_;
  bool settling_ = true;
  int returned_ = 0;    // slots, in this round
  double goodput_ = 0;  // in this round: one for each task and one for each MiB
  std::uint64_t refused_before_ = 0;
  double base_rate_ = 0;  // of goodput, a second, with base_slots_
  int base_slots_ = 0;
  std::chrono::milliseconds patience_;
  Clock::time_point next_trial_;
  bool next_is_up_ = true;
  Series series_;
};

}  // namespace pipeline
