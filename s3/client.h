// The S3 operations as the pipeline sees them: build, sign, send, judge, back off.
#pragma once

#include <functional>
#include <stop_token>

#include "s3/credentials.h"
#include "s3/http.h"
#include "s3/requests.h"
#include "s3/retry.h"
#include "s3/sigv4.h"

namespace s3 {

using RetryObserver = std::function<void(const RetryEvent&)>;

// Thread-safe; one for a run. Calls return when the request has settled, and wait through the
// Waiter meanwhile. Transport and waiter are not owned.
class Client {
 public:
  Client(BucketAddress bucket, std::string region, Credentials credentials, RetryOptions retry,
         Transport* transport, Waiter* waiter, std::stop_token stop);

  // Every attempt is signed anew: a signature is good for 15 minutes, a backoff may last longer.
  Settled PutObject(const PutObjectInput& input, const RetryObserver& on_retry);
  Settled HeadObject(std::string_view key, const RetryObserver& on_retry);

 private:
  Settled Settle(const std::function<HttpRequest()>& build, std::string_view payload_hash, bool wants_etag,
                 const RetryObserver& on_retry);
  Result<Answer> Attempt(HttpRequest request, std::string_view payload_hash, bool wants_etag);
  bool Sleep(std::chrono::milliseconds delay);

  const BucketAddress bucket_;
  const Credentials credentials_;
  const RetryOptions retry_;
  Transport* const transport_;
  Waiter* const waiter_;
  const std::stop_token stop_;
  Signer signer_;
};

}  // namespace s3
