// Decides how an object of a given size is uploaded: with one PutObject or in parts, and how large the parts
// are. Pure functions, any thread.
#pragma once

#include <cstdint>

#include "s3/base/result.h"

namespace s3 {

// The limits of Amazon S3; the largest object is max_parts x max_part_bytes = 10,000 x 5 GiB = 48.8 TiB.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
struct StoreLimits {
  std::uint64_t min_part_bytes = 5ull << 20;  // for all parts but the last
  std::uint64_t max_part_bytes = 5ull << 30;
  int max_parts = 10'000;
  std::uint64_t max_put_bytes = 5ull << 30;
  // True if all parts but the last must have the same size. The parts of a stream then cannot become larger.
  bool equal_parts = false;
};

struct PlanOptions {
  // The usual size of a part. Parts are larger if the object would otherwise need more than max_parts parts.
  std::uint64_t part_bytes = 16ull << 20;
  // Objects larger than this are uploaded in parts, unless one part is enough for them.
  std::uint64_t multipart_threshold_bytes = 32ull << 20;
  // The largest body of a request. A body stays in memory until the store has acknowledged it.
  std::uint64_t max_body_bytes = UINT64_MAX;
};

struct PartRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct PartPlan {
  std::uint64_t size_bytes = 0;
  std::uint64_t part_bytes = 0;  // the size of all parts but the last
  int parts = 0;                 // 0 means one PutObject

  bool is_multipart() const { return parts > 0; }
  // Returns the number of requests that carry data. It is also the number of the last part.
  int requests() const { return is_multipart() ? parts : 1; }
  // Returns the byte range of part `number`, which counts from 1. Returns the range of the whole object if
  // the object is uploaded with one PutObject.
  PartRange Range(int number) const;
};

// Returns the plan for an object. Fails with kUnsupported if no legal plan exists; the message names the
// limit.
Result<PartPlan> PlanUpload(std::uint64_t size_bytes, const PlanOptions& options, const StoreLimits& limits);

// Returns the plan of an object that was already cut into parts of `part_bytes`.
PartPlan PlanOfParts(std::uint64_t size_bytes, std::uint64_t part_bytes);

// Returns the size of part `number` of a stream of unknown length. The size doubles every 16 parts, so that
// 10,000 parts can contain 48 TiB. It stays within `limits`, and within `max_body_bytes` unless that is less
// than min_part_bytes. If the store requires equal parts, all parts have the size of the first.
std::uint64_t StreamPartBytes(int number, const PlanOptions& options, const StoreLimits& limits);

}  // namespace s3
