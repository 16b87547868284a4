// Decides how many slots circulate between source and sink: a fixed number, or a number that is adapted to
// the store.
//
//   ConcurrencyController slots(SlotLimitsOf(options), Clock::now());
//   int held = slots.circulation();                      // the source has these slots at the start
//   held -= slots.WeightOf(bytes);                       // a task takes slots and leaves the source
//   held += slots.Return(task, refusals, Clock::now());  // the task has reached the sink
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

#include "pipeline/graph/goodput_meter.h"
#include "pipeline/graph/latency_floor.h"
#include "pipeline/graph/limit_series.h"
#include "pipeline/graph/probe_schedule.h"
#include "pipeline/graph/slot_limits.h"

namespace pipeline {

// The limit is the wanted number of slots. The circulation is the present number of slots. Return() changes
// the circulation towards the limit.
//
//   SlowStart ---- slow tasks ----> Steady ----- due -----> Probe --+
//       |                           ^    ^                   |  ^   | kept
//       +-------- refusals ---------+    +--- not kept, -----+  +---+
//                                              refusals
//
// - SlowStart: each fast task adds slots; a task is fast if it takes at most a little longer than the fastest
//   task of its size (LatencyFloor). Slow tasks end this state, because either more requests would only wait
//   in a queue, or the latencies of this store vary without load.
// - Steady and Probe compare goodput. First, probes double the limit while goodput rises. Then smaller probes
//   follow from time to time: a higher limit is kept if goodput rises, a lower one if it does not fall
//   (ProbeSchedule).
// - If the store refuses requests because they come too fast, the limit falls at once. The request rate
//   itself is controlled in s3/admission/adaptive_rate_limiter.h.
//
// A task of many bytes holds several slots (WeightOf), because a few large requests fill a network line as
// well as many small ones. Only the sink may call Return() and series(). WeightOf() and circulation() are
// thread-safe.
class ConcurrencyController {
 public:
  using Clock = std::chrono::steady_clock;

  ConcurrencyController(const SlotLimits& limits, Clock::time_point now);

  // Returns how many slots a task of this size holds: one for each MiB, at least one. The number is capped,
  // so that SlotLimits::first_large large tasks can be in flight at the start, and at least four at any time.
  // If the number of slots is fixed, each task holds one slot.
  int WeightOf(std::uint64_t bytes) const;
  // Takes back the slots that a task held. Returns how many slots to return to the source instead: as many,
  // fewer or more. `refusals`: how many responses since the start of the run have asked for a lower rate.
  int Return(const Returned& task, std::uint64_t refusals, Clock::time_point now);
  // Returns how many slots exist now, in the source or in flight. Any thread.
  int circulation() const { return circulation_; }

  // Returns the limit over time.
  const LimitSeries::Points& series() const { return series_.points(); }

 private:
  struct SlowStart {
    LatencyFloor latency;
    int slow_slots = 0;  // slots of the latest slow tasks in a row
  };
  struct Steady {
    GoodputMeter meter;
    double rate = 0;  // smoothed goodput; 0: not measured yet
  };
  struct Probe {
    GoodputMeter meter;
    double base_rate;  // goodput at `base_limit`
    int base_limit;
  };
  using State = std::variant<SlowStart, Steady, Probe>;
  // The next state; nothing if the state stays the same.
  using Transition = std::optional<State>;
  struct Event {
    const Returned& task;
    std::uint64_t refusals;
    Clock::time_point now;
  };

  Transition Handle(SlowStart* state, const Event& event);
  Transition Handle(Steady* state, const Event& event);
  Transition Handle(Probe* state, const Event& event);
  bool WasRefused(const GoodputMeter& round, std::uint64_t refusals);
  State BackOff(const Event& event);
  State StartProbe(double base_rate, Clock::time_point now);
  void SetLimit(int limit, Clock::time_point now);

  const SlotLimits limits_;
  std::atomic<int> circulation_;
  int limit_;
  State state_;
  ProbeSchedule schedule_;
  std::uint64_t refusals_seen_ = 0;
  LimitSeries series_;
};

}  // namespace pipeline
