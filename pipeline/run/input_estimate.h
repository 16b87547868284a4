// Estimates how much work a long session has, before its walk has found it all.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "pipeline/progress.h"

namespace pipeline {

// Counts all inputs of a run and their bytes, also what earlier sessions have done. The bytes may be 0: not
// known. Blocks. Gives up, and returns nothing, when `stop` returns true.
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
  // Does not wait for the thread, because the count may hang in a file server that does not answer. The
  // thread ends later, and touches `progress` no more.
  ~InputEstimate();
  InputEstimate(const InputEstimate&) = delete;
  InputEstimate& operator=(const InputEstimate&) = delete;

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace pipeline
