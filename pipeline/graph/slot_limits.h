// How many slots may circulate in the graph. Values.
#pragma once

#include "pipeline/options.h"

namespace pipeline {

struct SlotLimits {
  int first = 64;  // at the start
  int least = 4;
  int most = 1024;       // equal to `first` and `least`: a fixed number
  int first_large = 16;  // large tasks in flight at the start; see ConcurrencyController::WeightOf
  bool fixed() const { return least == most; }
};

// Returns `concurrency` as a fixed number, or the limits that kAuto stands for. With kAuto, more cores start
// with more large tasks, because their digests can be computed in parallel.
SlotLimits SlotLimitsOf(const UploadOptions& options);

}  // namespace pipeline
