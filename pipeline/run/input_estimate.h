// Estimates the work of a long session before its walk has found all inputs.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "pipeline/progress.h"

namespace pipeline {

// Returns the number of all inputs of a run and their total size, including what earlier sessions have done.
// A size of 0 means that it is not known. Blocks. Returns nothing if `stop` returns true before the end.
using CountInputs = std::function<std::optional<Work>(const std::function<bool()>& stop)>;

// Counts once, in a thread of its own with a low priority, and sets Progress::expected and expected_bytes.
// Begins after a delay, because shorter sessions need no estimate. Stops when the walk has ended. If the
// count fails or no thread can be started, the session has no estimate.
class InputEstimate {
 public:
  static constexpr std::chrono::seconds kDelay{2};

  // `done_before`: what earlier sessions have done. `progress` is not owned.
  InputEstimate(CountInputs count, Work done_before, Progress* progress,
                std::chrono::milliseconds delay = kDelay);
  // Does not wait for the thread, because a file server may not answer. The thread ends later and never uses
  // `progress` again.
  ~InputEstimate();
  InputEstimate(const InputEstimate&) = delete;
  InputEstimate& operator=(const InputEstimate&) = delete;

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace pipeline
