// Shows the progress of a run as text. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

// The numbers to show, taken at one moment.
struct ProgressView {
  std::uint64_t objects = 0, all_objects = 0;  // inputs with a result, inputs found
  std::uint64_t bytes = 0, all_bytes = 0;      // of inputs that are neither skipped nor failed
  bool all_found = false;                      // false while the walk goes on: the totals still grow
  double objects_per_s = 0, bytes_per_s = 0;
  std::optional<double> seconds_left;  // a lower bound while the walk goes on; nothing if it is not known
  int in_flight = 0;
  std::uint64_t retries = 0, failed = 0;
  std::string_view waits_for;  // what the run waits for; empty if unknown
};

// Returns the share that is done, from 0 to 100; see PercentDone(). Returns 100 if there are no inputs.
double PercentOf(const ProgressView& view);

// Returns the lines of a progress area. Each has at most `width` - 1 columns, so that no terminal wraps it.
// Returns at most `max_lines` lines; the last facts are left out first.
std::vector<std::string> ProgressLines(const ProgressView& view, std::size_t width, std::size_t max_lines);

// Returns all facts in one line.
std::string ProgressLine(const ProgressView& view);

}  // namespace pipeline
