// How long the store took to respond: one histogram for each kind of request and each size class.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "s3/http.h"

namespace s3 {

// S3's name of the operation: "PutObject". "other" for the kinds that are not counted separately.
std::string_view NameOf(RequestKind kind);

// Counts durations from 1 us to 19 hours, with an error of at most 0.1 %. Longer durations count as 19 hours.
// Lock-free, any thread.
//
// Below 1,024 us, each microsecond has a bucket of its own. Above, each power of two has 512 buckets, as in
// an HDR histogram with three digits.
class LatencyHistogram {
 public:
  void Record(std::chrono::nanoseconds took);
  std::uint64_t count() const;
  // The duration that a share of `quantile` (0 to 1) of the recorded durations does not exceed, in
  // milliseconds. 0 if nothing was recorded.
  double QuantileMs(double quantile) const;
  double MaxMs() const;

 private:
  static constexpr int kExactBits = 10;                // durations of fewer bits have a bucket of their own
  static constexpr int kHalf = 1 << (kExactBits - 1);  // buckets for each power of two above
  static constexpr int kMaxBits = 36;
  static constexpr std::size_t kBuckets = 2 * kHalf + (kMaxBits - kExactBits) * kHalf;

  static std::size_t BucketOf(std::uint64_t us);
  static double MiddleOf(std::size_t bucket);

  std::array<std::atomic<std::uint32_t>, kBuckets> buckets_{};
  std::atomic<std::uint64_t> max_us_{0};
};

// The percentiles of one kind of request and one size class.
struct LatencyStats {
  std::string_view operation;   // "PutObject"
  std::string_view size_class;  // of the request's body: "none", "up to 64 KiB"
  std::uint64_t count = 0;
  double min_ms = 0, p50_ms = 0, p90_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0;
};

// Thread-safe. A histogram is made at the first request of its kind and size, and takes about 60 KiB.
class Latencies {
 public:
  ~Latencies();
  Latencies() = default;
  Latencies(const Latencies&) = delete;
  Latencies& operator=(const Latencies&) = delete;

  // `took`: from the time at which the request was handed to the transport to the last byte of its response.
  void Record(RequestKind kind, std::uint64_t body_bytes, std::chrono::nanoseconds took);
  // Returns the percentiles of each kind and size that has requests, in the order of kinds and sizes.
  std::vector<LatencyStats> Stats() const;
  // Returns how many requests were recorded, of all kinds.
  std::uint64_t count() const;
  // Returns the percentiles of the requests that carry the data of objects (PutObject, UploadPart): those of
  // the size class with the most requests. Returns nothing if there were no such requests.
  std::optional<LatencyStats> OfData() const;

 private:
  static constexpr std::size_t kSizeClasses = 5;
  using Slot = std::atomic<LatencyHistogram*>;

  std::array<std::array<Slot, kSizeClasses>, kRequestKinds> histograms_{};
};

}  // namespace s3
