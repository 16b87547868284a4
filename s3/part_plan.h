// How an object of a given size is uploaded: one PutObject, or parts of which sizes. Pure.
#pragma once

#include <cstdint>

#include "s3/base/result.h"

namespace s3 {

// Amazon S3's limits, https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html; the
// greatest object follows from parts and their size: 10,000 x 5 GiB = 48.8 TiB.
struct StoreLimits {
  std::uint64_t min_part_bytes = 5ull << 20;  // all parts but the last
  std::uint64_t max_part_bytes = 5ull << 30;
  int max_parts = 10'000;
  std::uint64_t max_put_bytes = 5ull << 30;
  // All parts but the last must have one size: those of a stream cannot grow.
  bool equal_parts = false;
};

struct PlanOptions {
  // Parts grow beyond this when the object would need more than max_parts of them.
  std::uint64_t part_bytes = 16ull << 20;
  // Objects greater than this go as parts.
  std::uint64_t multipart_threshold_bytes = 32ull << 20;
  // No request's body may be greater: it is held in memory until the store has acknowledged it.
  std::uint64_t max_body_bytes = UINT64_MAX;
};

struct PartRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct PartPlan {
  std::uint64_t size_bytes = 0;
  std::uint64_t part_bytes = 0;  // of all parts but the last
  int parts = 0;                 // 0: one PutObject

  bool is_multipart() const { return parts > 0; }
  // How many requests carry data; the number of the last.
  int requests() const { return is_multipart() ? parts : 1; }
  // The bytes of part `number`, counted from 1; of the whole when it is one PutObject.
  PartRange Range(int number) const;
};

// kUnsupported when no legal plan exists; the message says which limit stands in the way.
Result<PartPlan> PlanUpload(std::uint64_t size_bytes, const PlanOptions& options, const StoreLimits& limits);

// An object that is cut already.
PartPlan PlanOfParts(std::uint64_t size_bytes, std::uint64_t part_bytes);

// The size of part `number` of a stream, whose length nobody knows: it doubles every 16 parts, so
// that 10,000 parts hold 48 TiB, and stays within the limits and `max_body_bytes`. Where parts must be
// equal it is always the first one's.
std::uint64_t StreamPartBytes(int number, const PlanOptions& options, const StoreLimits& limits);

}  // namespace s3
