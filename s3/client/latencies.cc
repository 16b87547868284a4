#include "s3/client/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace s3 {
namespace {

constexpr std::array<std::string_view, kRequestKinds> kKindNames = {
    "PutObject", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload", "HeadObject", "other"};

struct SizeClass {
  std::uint64_t max_bytes;
  std::string_view name;
};
constexpr std::array<SizeClass, 5> kSizes{{{0, "none"},
                                           {64 << 10, "up to 64 KiB"},
                                           {1 << 20, "up to 1 MiB"},
                                           {16 << 20, "up to 16 MiB"},
                                           {~std::uint64_t{0}, "over 16 MiB"}}};

std::size_t SizeClassOf(std::uint64_t bytes) {
  std::size_t index = 0;
  while (bytes > kSizes[index].max_bytes) ++index;
  return index;
}

LatencyStats StatsOf(std::size_t kind, std::size_t size, const LatencyHistogram& histogram) {
  return {.operation = kKindNames[kind],
          .size_class = kSizes[size].name,
          .count = histogram.count(),
          .min_ms = histogram.QuantileMs(0),
          .p50_ms = histogram.QuantileMs(0.5),
          .p90_ms = histogram.QuantileMs(0.9),
          .p99_ms = histogram.QuantileMs(0.99),
          .p999_ms = histogram.QuantileMs(0.999),
          .max_ms = histogram.MaxMs()};
}

}  // namespace

std::string_view NameOf(RequestKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

std::size_t LatencyHistogram::BucketOf(std::uint64_t us) {
  const auto value = std::min(us, (std::uint64_t{1} << kMaxBits) - 1);
  const int shift = std::max(static_cast<int>(std::bit_width(value)) - kExactBits, 0);
  return static_cast<std::size_t>(value >> shift) + static_cast<std::size_t>(shift) * kHalf;
}

// Returns the middle of the bucket's durations, in microseconds.
double LatencyHistogram::MiddleOf(std::size_t bucket) {
  if (bucket < 2 * kHalf) return static_cast<double>(bucket);
  const auto shift = bucket / kHalf - 1;
  const auto first = static_cast<double>(bucket - shift * kHalf);
  return std::ldexp(first + 0.5, static_cast<int>(shift)) - 0.5;
}

void LatencyHistogram::Record(std::chrono::nanoseconds took) {
  const auto us = static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count(), 0));
  buckets_[BucketOf(us)].fetch_add(1, std::memory_order_relaxed);
  auto max = max_us_.load(std::memory_order_relaxed);
  while (us > max && !max_us_.compare_exchange_weak(max, us, std::memory_order_relaxed)) continue;
}

std::uint64_t LatencyHistogram::count() const {
  std::uint64_t sum = 0;
  for (const auto& bucket : buckets_) sum += bucket.load(std::memory_order_relaxed);
  return sum;
}

double LatencyHistogram::QuantileMs(double quantile) const {
  const auto all = count();
  const auto wanted = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(all)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i].load(std::memory_order_relaxed);
    if (seen > 0 && seen >= wanted) return std::min(MiddleOf(i) / 1e3, MaxMs());
  }
  return 0;
}

double LatencyHistogram::MaxMs() const {
  return static_cast<double>(max_us_.load(std::memory_order_relaxed)) / 1e3;
}

Latencies::~Latencies() {
  for (auto& kind : histograms_) {
    for (auto& histogram : kind) delete histogram.load();
  }
}

void Latencies::Record(RequestKind kind, std::uint64_t body_bytes, std::chrono::nanoseconds took) {
  auto& slot = histograms_[static_cast<std::size_t>(kind)][SizeClassOf(body_bytes)];
  LatencyHistogram* histogram = slot.load(std::memory_order_acquire);
  if (histogram == nullptr) {
    auto made = std::make_unique<LatencyHistogram>();
    if (slot.compare_exchange_strong(histogram, made.get(), std::memory_order_acq_rel)) {
      histogram = made.release();
    }
  }
  histogram->Record(took);
}

std::vector<LatencyStats> Latencies::Stats() const {
  std::vector<LatencyStats> stats;
  for (std::size_t kind = 0; kind < kRequestKinds; ++kind) {
    for (std::size_t size = 0; size < kSizeClasses; ++size) {
      const auto* histogram = histograms_[kind][size].load(std::memory_order_acquire);
      if (histogram != nullptr) stats.push_back(StatsOf(kind, size, *histogram));
    }
  }
  return stats;
}

std::uint64_t Latencies::count() const {
  std::uint64_t sum = 0;
  for (const auto& kind : histograms_) {
    for (const auto& slot : kind) {
      const auto* histogram = slot.load(std::memory_order_acquire);
      if (histogram != nullptr) sum += histogram->count();
    }
  }
  return sum;
}

std::optional<LatencyStats> Latencies::OfData() const {
  std::optional<LatencyStats> most;
  for (const auto& stats : Stats()) {
    const bool has_data = stats.operation == NameOf(RequestKind::kPutObject) ||
                          stats.operation == NameOf(RequestKind::kUploadPart);
    if (has_data && (!most || stats.count > most->count)) most = stats;
  }
  return most;
}

}  // namespace s3
