#include "s3/stores/store_context.h"

#include <fmt/format.h>

#include <algorithm>

namespace s3 {
namespace {

using std::chrono::seconds;

// Returns true when the text looks like the name of a region. A response may contain anything.
bool LooksLikeRegion(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// For example "1 h 02 min 03 s ahead of".
std::string OffsetText(seconds offset) {
  const auto distance = std::chrono::abs(offset).count();
  return fmt::format("{} h {:02} min {:02} s {}", distance / 3600, distance / 60 % 60, distance % 60,
                     offset.count() > 0 ? "ahead of" : "behind");
}

std::vector<std::string> NamesOf(const std::vector<BucketAddress>& buckets) {
  std::vector<std::string> names;
  for (const auto& bucket : buckets) names.push_back(bucket.endpoint.HostAndPort());
  return names;
}

}  // namespace

StoreContextCache::StoreContextCache(DestinationOptions destination, std::vector<BucketAddress> buckets,
                                     std::function<void(std::string_view)> notice)
    : destination_(std::move(destination)),
      notice_(std::move(notice)),
      endpoints_(NamesOf(buckets), notice_),
      context_({std::move(buckets),
                destination_.region,
                seconds(0),
                std::make_shared<Signer>(destination_.region),
                {}}) {}

bool StoreContextCache::LearnFrom(const Error& error, const StoreContext& used) {
  if (error.kind != ErrorKind::kWrongRegion && error.kind != ErrorKind::kClockSkewed) return false;
  std::string learnt;
  {
    const MutexLock lock(mutex_);
    const auto& now = *context_.Current();
    const bool outdated = error.kind == ErrorKind::kWrongRegion ? used.region != now.region
                                                                : used.clock_offset != now.clock_offset;
    if (outdated) return true;
    auto corrected = Corrected(error, now);
    if (!corrected) return false;
    learnt =
        error.kind == ErrorKind::kWrongRegion
            ? fmt::format(
                  "the bucket is in region {}: requests are signed for it; correct destination.region, "
                  "which says {}",
                  corrected->region, destination_.region)
            : fmt::format("the store's clock is {} this machine's: requests are signed with the store's time",
                          OffsetText(corrected->clock_offset));
    context_.Publish(std::move(*corrected));
  }
  if (notice_) notice_(learnt);
  return true;
}

void StoreContextCache::LearnRefusedHeaders(const std::vector<std::string>& headers) {
  std::string learnt;
  {
    const MutexLock lock(mutex_);
    auto corrected = *context_.Current();
    auto& refused = corrected.refused_headers;
    for (const auto& name : headers) {
      if (std::find(refused.begin(), refused.end(), name) != refused.end()) continue;
      refused.push_back(name);
      learnt += (learnt.empty() ? "" : ", ") + name;
    }
    if (learnt.empty()) return;
    context_.Publish(std::move(corrected));
  }
  if (notice_) notice_(fmt::format("the store does not accept {}: requests are sent without it", learnt));
}

std::optional<StoreContext> StoreContextCache::Corrected(const Error& error, const StoreContext& now) {
  auto corrected = now;
  if (error.kind == ErrorKind::kClockSkewed) {
    if (!error.server_time) return std::nullopt;
    const auto ours = std::chrono::floor<seconds>(std::chrono::system_clock::now());
    corrected.clock_offset = *error.server_time - ours;
    // If the response only repeats the time that we signed with, the next request would not be different.
    const auto change = std::chrono::abs(corrected.clock_offset - now.clock_offset);
    if (change < std::chrono::minutes(1) || std::chrono::abs(corrected.clock_offset) > kMaxClockOffset) {
      return std::nullopt;
    }
    return corrected;
  }
  if (!LooksLikeRegion(error.region) || error.region == now.region || regions_learnt_ == kMaxRegions)
    return std::nullopt;
  ++regions_learnt_;
  auto destination = destination_;
  destination.region = error.region;
  auto buckets = ResolveBucket(destination);
  if (!buckets) return std::nullopt;
  corrected.buckets = std::move(*buckets);
  corrected.region = error.region;
  corrected.signer = std::make_shared<Signer>(error.region);
  return corrected;
}

}  // namespace s3
