// Stores what requests need to know about one bucket's store: address, region, clock. If the store's refusals
// show that a value is wrong, corrects it once for the whole run. Thread-safe.
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

// One consistent set of values. A request uses a single StoreContext until its response has been received.
struct StoreContext {
  std::vector<BucketAddress> buckets;  // the bucket's address at each endpoint
  std::string region;
  std::chrono::seconds clock_offset{0};      // the store's clock minus ours
  std::shared_ptr<Signer> signer;            // for that region
  std::vector<std::string> refused_headers;  // optional headers that are not sent any more
};

class StoreContextCache {
 public:
  // `notice` receives one line whenever a value was corrected; it must not wait.
  StoreContextCache(DestinationOptions destination, std::vector<BucketAddress> buckets,
                    std::function<void(std::string_view)> notice);

  // Returns the current values. Never null; valid until this object is destroyed. Takes no lock.
  const StoreContext* Current() const { return context_.Current(); }

  // Corrects the region or the clock if the refusal `error` contains the right one. `used` is the context of
  // the refused request. Returns true if the request should be sent again with Current(), also if another
  // thread has made the correction already. The host is computed from the region's name, and never read from
  // a response. So a response cannot send us and our credentials to another host.
  bool LearnFrom(const Error& error, const StoreContext& used);

  // Call it when the store refused a request with these headers, and then accepted it without them.
  void LearnRefusedHeaders(const std::vector<std::string>& headers);

  // Returns the pool of the store's endpoints. Its indices are the indices of StoreContext::buckets.
  EndpointPool& endpoints() { return endpoints_; }

  // If the clocks differ by more than 14 days, the difference is ignored.
  static constexpr std::chrono::hours kMaxClockOffset{14 * 24};
  // Limits how often a store may send us to another region.
  static constexpr int kMaxRegions = 4;

 private:
  std::optional<StoreContext> Corrected(const Error& error, const StoreContext& now) S3_REQUIRES(mutex_);

  DestinationOptions destination_;
  const std::function<void(std::string_view)> notice_;
  EndpointPool endpoints_;
  Mutex mutex_;  // held for a correction; readers do not need it
  ReadMostly<StoreContext> context_;
  int regions_learnt_ S3_GUARDED_BY(mutex_) = 0;
};

}  // namespace s3
