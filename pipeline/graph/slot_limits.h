// The bounds of the number of slots in the graph. Values.
#pragma once

#include "pipeline/options.h"

namespace pipeline {

struct SlotLimits {
  int first = 64;  // slots at the start
  int least = 4;
  int most = 1024;       // if equal to `least`, the number is fixed
  int first_large = 16;  // large tasks in flight at the start; see ConcurrencyController::WeightOf
  bool fixed() const { return least == most; }
};

// Returns the fixed number `options.concurrency` as all bounds. With kAuto, returns the bounds of an adaptive
// number; then a machine with more cores starts with more large tasks, because its cores hash in parallel.
SlotLimits SlotLimitsOf(const UploadOptions& options);

}  // namespace pipeline
