// Estimates the rate and the remaining time of a run from samples of its counters. Does no I/O and reads no
// clock.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "pipeline/progress.h"

namespace pipeline {

// The state of a run at one moment. The counters never decrease.
struct Sample {
  double seconds = 0;             // since the start of the run
  std::uint64_t objects = 0;      // inputs that have a result
  std::uint64_t bytes = 0;        // acknowledged by the store, or sent by requests in flight
  std::uint64_t sent_bytes = 0;   // given to the kernel or to libcurl; a repeated request counts again
  double seconds_per_object = 0;  // about how much an empty file adds to the run; 0: unknown
};

// Returns the share of the work that is done, from 0 to 100: of the bytes, or of the inputs if the bytes are
// unknown (streams, empty files). Returns at most 99.9 while an input has no result. Returns nothing before
// the first input.
std::optional<double> PercentDone(std::uint64_t inputs_done, std::uint64_t inputs, std::uint64_t bytes_done,
                                  std::uint64_t bytes);

// Returns an estimate of the whole work. If `expected.bytes` is 0 (not known), the inputs that are not found
// yet get the mean size of those that are. Returns at least `found`.
Work Extrapolate(const Work& found, const Work& expected);

// Not thread-safe.
class Estimator {
 public:
  // Adds a sample. Samples come in the order of their times, at least one every few seconds.
  void Add(const Sample& sample);

  // Return the rates over the last kWindow seconds.
  double objects_per_s() const;
  double bytes_per_s() const;

  // Returns the time until all `objects` and `bytes` are done. Returns nothing before anything has moved.
  //
  // The time for small files depends on their number, the time for large files on their bytes. So one share
  // of the time is spent on objects, and the rest on bytes. Uses the share that explains best how long the
  // past intervals took. Recent intervals count more than early ones. If the intervals fit many shares,
  // Sample::seconds_per_object decides.
  std::optional<double> SecondsLeft(std::uint64_t objects, std::uint64_t bytes) const;

  static constexpr double kWindow = 20;

 private:
  struct Interval {
    double end = 0, seconds = 0, objects = 0, bytes = 0;
  };
  void MergeIntervals();

  std::deque<Sample> recent_;       // of the last kWindow seconds
  std::deque<Interval> intervals_;  // of the whole run, at most kMaxIntervals
  Sample last_;                     // the end of the last interval
  double min_interval_ = 0.5;       // in seconds; doubles when there are too many intervals
  static constexpr std::size_t kMaxIntervals = 128;
};

}  // namespace pipeline
