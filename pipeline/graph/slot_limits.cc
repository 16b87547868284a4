#include "pipeline/graph/slot_limits.h"

#include <algorithm>

#include "pipeline/runtime/resource_limits.h"

namespace pipeline {
namespace {

// The number of large tasks in flight at the start. One core can hash several tasks at once
// (s3/hash/hash_lanes.h), and even with one core several tasks are needed to fill a network line.
constexpr int kMinFirstLarge = 16, kFirstLargePerCore = 2, kMaxFirstLarge = 32;

}  // namespace

SlotLimits SlotLimitsOf(const UploadOptions& options) {
  const int n = options.concurrency;
  if (n != UploadOptions::kAuto) return {n, n, n};
#ifdef S3FLOW_BLOCKING_WAITER
  constexpr SlotLimits kAdaptive{.first = 16, .most = 64};  // each slot blocks a thread
#else
  constexpr SlotLimits kAdaptive{};
#endif
  auto limits = kAdaptive;
  limits.first_large = std::clamp(kFirstLargePerCore * CoresOf(options), kMinFirstLarge, kMaxFirstLarge);
  return limits;
}

}  // namespace pipeline
