// Shows the progress of a run as text. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

// How well the totals are known.
enum class Totals {
  kSoFar,      // the walk goes on: they still grow, and the remaining time is a lower bound
  kEstimated,  // the walk goes on, but the inputs have been counted
  kExact,      // the walk has ended
};

// The task that has been in flight for the longest time.
struct SlowTask {
  std::string path;
  int part = 0;  // 0: the whole file
  double seconds = 0;
};

// The numbers to show, taken at one moment.
struct ProgressView {
  std::uint64_t objects = 0, all_objects = 0;  // inputs with a result, all inputs
  std::uint64_t bytes = 0, all_bytes = 0;      // of inputs that are neither skipped nor failed
  Totals totals = Totals::kSoFar;              // concerns all_objects and all_bytes
  double objects_per_s = 0, bytes_per_s = 0;
  std::optional<double> seconds_left;  // nothing if it is not known
  int in_flight = 0;
  std::uint64_t retries = 0, failed = 0;
  std::string_view waits_for;  // what the run waits for; empty if unknown
  std::optional<SlowTask> slowest;
};

// Returns the share that is done, from 0 to 100; see PercentDone(). Returns 100 if there are no inputs.
double PercentOf(const ProgressView& view);

// Returns the lines of a progress area. Each has at most `width` - 1 columns, so that no terminal wraps it.
// Returns at most `max_lines` lines; the last facts are left out first. The last line names the slowest
// task, if the task has taken at least kSlowSeconds and there is room for two lines.
std::vector<std::string> ProgressLines(const ProgressView& view, std::size_t width, std::size_t max_lines);

inline constexpr double kSlowSeconds = 2;

// Returns all facts in one line, without the slowest task.
std::string ProgressLine(const ProgressView& view);

}  // namespace pipeline
