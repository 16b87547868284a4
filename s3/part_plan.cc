#include "s3/part_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace s3 {
namespace {

std::uint64_t DivideUp(std::uint64_t value, std::uint64_t by) { return value / by + (value % by != 0); }

}  // namespace

PartRange PartPlan::Range(int number) const {
  if (!is_multipart()) return {0, size_bytes};
  const auto offset = static_cast<std::uint64_t>(number - 1) * part_bytes;
  return {offset, std::min(part_bytes, size_bytes - offset)};
}

Result<PartPlan> PlanUpload(std::uint64_t size_bytes, const PlanOptions& options, const StoreLimits& limits) {
  const auto max_put = std::min(limits.max_put_bytes, options.max_body_bytes);
  const auto max_part = std::min(limits.max_part_bytes, options.max_body_bytes);
  if (size_bytes <= std::min(options.multipart_threshold_bytes, max_put)) return PartPlan{size_bytes, 0, 0};

  const auto needed = DivideUp(size_bytes, static_cast<std::uint64_t>(limits.max_parts));
  if (needed > limits.max_part_bytes) {
    return Fail(ErrorKind::kUnsupported,
                fmt::format("has {} bytes, but an object has at most {} parts of {} bytes: split the file",
                            size_bytes, limits.max_parts, limits.max_part_bytes));
  }
  const auto smallest = std::min(limits.min_part_bytes, size_bytes);
  if (std::max(needed, smallest) > max_part) {
    return Fail(ErrorKind::kUnsupported,
                fmt::format("has {} bytes: it needs parts of {} bytes, but limits.memory allows only {}; "
                            "increase limits.memory",
                            size_bytes, std::max(needed, limits.min_part_bytes), options.max_body_bytes));
  }
  const auto min_part = std::min(limits.min_part_bytes, max_part);
  auto part_bytes = std::clamp(options.part_bytes, min_part, max_part);
  if (part_bytes < needed) {
    // Rounds up to whole MiB, because parts are then aligned for stores and file systems, and a person can
    // read their size easily.
    constexpr std::uint64_t kMiB = 1 << 20;
    part_bytes = std::min(DivideUp(needed, kMiB) * kMiB, max_part);
  }
  // A multipart upload with a single part needs three requests, a PutObject only one.
  if (size_bytes <= std::min(part_bytes, max_put)) return PartPlan{size_bytes, 0, 0};
  return PartPlan{size_bytes, part_bytes, static_cast<int>(DivideUp(size_bytes, part_bytes))};
}

PartPlan PlanOfParts(std::uint64_t size_bytes, std::uint64_t part_bytes) {
  return {size_bytes, part_bytes, static_cast<int>(DivideUp(size_bytes, part_bytes))};
}

std::uint64_t StreamPartBytes(int number, const PlanOptions& options, const StoreLimits& limits) {
  constexpr int kPartsPerDoubling = 16;
  constexpr int kMaxDoublings = 20;  // 5 MiB * 2^20 is above any limit; a larger shift would be undefined
  const auto memory_limit = std::min(limits.max_part_bytes, options.max_body_bytes);
  const auto max_part = std::max(limits.min_part_bytes, memory_limit);
  const auto first = std::clamp(options.part_bytes, limits.min_part_bytes, max_part);
  if (limits.equal_parts) return first;
  const int doublings = std::min((number - 1) / kPartsPerDoubling, kMaxDoublings);
  return std::min(first << doublings, max_part);
}

}  // namespace s3
