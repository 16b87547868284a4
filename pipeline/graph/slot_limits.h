// The limits of the number of slots in the graph. Values.
#pragma once

#include "pipeline/options.h"

namespace pipeline {

struct SlotLimits {
  int first = 64;  // at the start
  int least = 4;
  int most = 1024;       // a fixed number if equal to `first` and `least`
  int first_large = 16;  // large tasks in flight at the start; see ConcurrencyController::WeightOf
  bool fixed() const { return least == most; }
};

// Returns limits with the fixed number `options.concurrency`, or, with kAuto, the limits of an adaptive
// number. With kAuto, a machine with more cores starts with more large tasks, because the cores compute their
// digests in parallel.
SlotLimits SlotLimitsOf(const UploadOptions& options);

}  // namespace pipeline
