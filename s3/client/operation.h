// One operation of S3, and the signed request that it becomes. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "s3/api/payload.h"
#include "s3/api/requests.h"
#include "s3/base/result.h"
#include "s3/credentials.h"
#include "s3/http.h"
#include "s3/stores/store_context.h"

namespace s3 {

// What to send, and what makes its response a success.
struct Operation {
  // Builds the unsigned request. Called each time before the request is sent, and again after a failure, to
  // remove its secrets from the error's message.
  std::function<HttpRequest(const BucketAddress&)> build;
  // The data; null when the body that `build` sets is signed as it is. Not owned.
  const Payload* payload = nullptr;
  // True when a response without an ETag is not a success.
  bool wants_etag = false;
  // True when the operation removes data that nobody can use any more. It is then sent even while the run is
  // stopping.
  bool is_cleanup = false;
  // Returns what is wrong with a response that has a 2xx status. Null for no check.
  std::function<std::optional<Error>(const Response&)> check = nullptr;

  std::uint64_t payload_bytes() const { return payload != nullptr ? payload->size() : 0; }
};

// A signed request, ready to be sent once. Owns the framing that a chunked body points to, but not the data.
// Operation, context and credentials must outlive it.
class PreparedRequest {
 public:
  PreparedRequest(PreparedRequest&&) = default;
  PreparedRequest& operator=(PreparedRequest&&) = delete;

  // Returns the request. The caller sets its transport options, and then sends it by moving from it.
  HttpRequest& http() { return http_; }

  // Removes every secret value of this request from a text that the store wrote, because a store may repeat
  // values of the request. Builds the request a second time for that, because the transport has consumed the
  // first. Only failures need this.
  void RedactSecretsIn(std::string* text) const;

 private:
  friend PreparedRequest Prepare(const Operation& operation, const StoreContext& context,
                                 std::size_t endpoint, const Credentials& credentials,
                                 const std::vector<std::string>& omitted_headers);

  PreparedRequest(const Operation& operation, const BucketAddress& bucket, const Credentials& credentials)
      : operation_(operation), bucket_(bucket), credentials_(credentials) {}

  const Operation& operation_;
  const BucketAddress& bucket_;
  const Credentials& credentials_;
  HttpRequest http_;
  ChunkedBody chunks_;
};

// Builds, signs and frames the request for the address `context.buckets[endpoint]`, dated by the store's
// clock. Leaves out the headers that the store is known to refuse, and `omitted_headers`.
PreparedRequest Prepare(const Operation& operation, const StoreContext& context, std::size_t endpoint,
                        const Credentials& credentials, const std::vector<std::string>& omitted_headers);

}  // namespace s3
