// How requests reach one bucket: its address, its region, and the time that its store has. What is
// wrong of it is learnt from the store's refusals, once for the whole run. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "s3/api/sigv4.h"
#include "s3/base/read_mostly.h"
#include "s3/base/result.h"
#include "s3/options.h"
#include "s3/stores/address.h"
#include "s3/stores/endpoint_pool.h"

namespace s3 {

// One consistent state; a request is made with one of these from its beginning to its end.
struct StoreContext {
  std::vector<BucketAddress> buckets;  // the one bucket at each of its endpoints
  std::string region;
  std::chrono::seconds clock_offset{0};      // the store's time minus ours
  std::shared_ptr<Signer> signer;            // for that region
  std::vector<std::string> refused_headers;  // are not sent: the store does not take them
};

class StoreContextCache {
 public:
  // `notice` is told, in one line, whenever something was learnt; it must not wait.
  StoreContextCache(DestinationOptions destination, std::vector<BucketAddress> buckets,
                    std::function<void(std::string_view)> notice);

  // Valid as long as this lives; takes no lock.
  const StoreContext* Current() const { return facts_.Current(); }

  // True when the refused request, made with `used`, is worth sending again with Current(): the
  // error named another region, or another time, or somebody else has learnt that meanwhile. Takes
  // a region only by its name; a host is computed from it, never read from an answer.
  bool Learn(const Error& error, const StoreContext& used);

  // A request was taken without these.
  void LearnRefused(const std::vector<std::string>& headers);

  // Indices into `buckets`, of which there are always as many.
  EndpointPool& endpoints() { return endpoints_; }

  // Clocks further off are not believed: 14 days.
  static constexpr std::chrono::hours kMaxClockOffset{14 * 24};
  // A store that keeps sending us elsewhere is not followed for ever.
  static constexpr int kMaxRegions = 4;

 private:
  std::optional<StoreContext> Corrected(const Error& error, const StoreContext& now);

  DestinationOptions destination_;
  const std::function<void(std::string_view)> notice_;
  EndpointPool endpoints_;
  std::mutex mutex_;  // for who learns
  ReadMostly<StoreContext> facts_;
  int regions_learnt_ = 0;
};

}  // namespace s3
