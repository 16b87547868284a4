// Holds what requests need to know about one bucket's store: address, region, clock. Corrects it from the
// store's refusals, once for the whole run. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "s3/api/sigv4.h"
#include "s3/base/mutex.h"
#include "s3/base/read_mostly.h"
#include "s3/base/result.h"
#include "s3/options.h"
#include "s3/stores/address.h"
#include "s3/stores/endpoint_pool.h"

namespace s3 {

// One consistent state. Each request uses a single one from building to the response.
struct StoreContext {
  std::vector<BucketAddress> buckets;  // the same bucket at each of its endpoints
  std::string region;
  std::chrono::seconds clock_offset{0};      // the store's clock minus ours
  std::shared_ptr<Signer> signer;            // for that region
  std::vector<std::string> refused_headers;  // optional headers that are not sent any more
};

class StoreContextCache {
 public:
  // `notice` receives one line whenever something was learnt; it must not wait.
  StoreContextCache(DestinationOptions destination, std::vector<BucketAddress> buckets,
                    std::function<void(std::string_view)> notice);

  // Never null; valid as long as this object. Takes no lock.
  const StoreContext* Current() const { return context_.Current(); }

  // Learns the region or the clock that a refusal names. `used` is the context of the refused request.
  // Returns true if the request should be sent again with Current(). That is also the case if another thread
  // has learnt the same meanwhile. Uses only the region's name: the host is computed from it, never read from
  // a response, so that a response cannot send us and our credentials to another host.
  bool LearnFrom(const Error& error, const StoreContext& used);

  // Call when the store accepted a request without these headers and had refused it with them.
  void LearnRefusedHeaders(const std::vector<std::string>& headers);

  // Its indices are those of StoreContext::buckets.
  EndpointPool& endpoints() { return endpoints_; }

  // Clocks that differ by more than 14 days are not believed.
  static constexpr std::chrono::hours kMaxClockOffset{14 * 24};
  // Limits how often a store may send us to another region.
  static constexpr int kMaxRegions = 4;

 private:
  std::optional<StoreContext> Corrected(const Error& error, const StoreContext& now) S3_REQUIRES(mutex_);

  DestinationOptions destination_;
  const std::function<void(std::string_view)> notice_;
  EndpointPool endpoints_;
  Mutex mutex_;  // taken to learn, not to read
  ReadMostly<StoreContext> context_;
  int regions_learnt_ S3_GUARDED_BY(mutex_) = 0;
};

}  // namespace s3
