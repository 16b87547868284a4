// Executes operations of S3: builds, signs, sends, classifies, retries. This file declares the operations on
// a single object, s3/client/multipart.h those of multipart uploads.
//
//   Client client(&store, &credentials, &admission, {}, integrity, &transport, &waiter, stop_token);
//   const ObjectProperties properties;
//   const auto payload = MakePayload("content", client.integrity());
//   const auto put = client.PutObject({"key", &properties}, payload, "", [](const RetryEvent&) {});
//   if (!put.response) return put.response.error();  // after put.attempts attempts
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "s3/admission/admission_controller.h"
#include "s3/admission/retry.h"
#include "s3/api/payload.h"
#include "s3/api/requests.h"
#include "s3/client/latencies.h"
#include "s3/client/operation.h"
#include "s3/credentials/credential_cache.h"
#include "s3/http.h"
#include "s3/stores/store_context.h"

namespace s3 {

using RetryObserver = std::function<void(const RetryEvent&)>;

// Thread-safe; a run has one Client. A call waits through the Waiter, and returns when the operation has
// ended. Errors are values of Result; only std::bad_alloc is thrown.
class Client {
 public:
  // The pointers are not owned. `store` says where requests are sent and how they are signed. After three
  // refusals something is corrected, and the request is sent again at once, without using up an attempt: a
  // wrong region or clock corrects `store`, and expired credentials are renewed in `credentials`. The client
  // records in `latencies`, if not null, how long responses took.
  Client(StoreContextCache* store, CredentialCache* credentials, AdmissionController* admission,
         RetryOptions retry, IntegrityOptions integrity, Transport* transport, Waiter* waiter,
         std::stop_token stop, Latencies* latencies = nullptr);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Returns the resolved options: the checksum is not kAuto.
  const IntegrityOptions& integrity() const { return integrity_; }
  const RetryOptions& retry() const { return retry_; }

  // Returns true if data may be sent from a file instead of from memory. The store must then check a digest,
  // because the file may change after it was hashed.
  bool SendsFromFiles() const;

  // Stores an object, and compares the ETag or checksum of the response with those of the payload. With
  // If-None-Match and a `token`, the store may refuse because the key exists. If the object of that key has
  // the token, the result is a success: the object is ours, and an earlier response was lost. If the store
  // may ignore the condition, the key is checked before each attempt. An object that another writer stores
  // between the check and the attempt is replaced.
  RetryResult PutObject(const ObjectTarget& target, const Payload& payload, std::string_view token,
                        const RetryObserver& on_retry);
  RetryResult HeadObject(const ObjectTarget& target, const RetryObserver& on_retry);

  // Call it before a conditional write to a store that may ignore the condition. Returns nothing if the key
  // is free. Returns the response to HeadObject if the object of that key has our token and size. Fails if it
  // is another writer's object; SaysItExists() is true for that error. After any other error the key must not
  // be written.
  Result<std::optional<Response>> CheckKeyBeforeWrite(const ObjectTarget& target, std::string_view token,
                                                      std::uint64_t bytes, const RetryObserver& on_retry);

  // Sends HeadObject, and compares the stored object's ETag, its size when the response has one, and its
  // checksum when the response and the arguments have one. Fails with kIntegrity when a value differs.
  RetryResult VerifyObject(const ObjectTarget& target, std::uint64_t bytes, std::string_view etag,
                           std::string_view checksum, const RetryObserver& on_retry);

  // Makes one attempt: sends the operation and classifies the response. If something could be corrected,
  // sends the operation again at once. Signs each request anew, because a signature is valid for 15 minutes
  // and a backoff may last longer. `is_retry` is true if an earlier attempt was sent: this attempt is then
  // admitted before new requests.
  Result<Response> SendWithCorrections(const Operation& operation, bool is_retry);
  // Calls `attempt` until it succeeds or fails for good, with the delays of the retry options.
  RetryResult RetryLoop(const Attempt& attempt, const RetryObserver& on_retry);
  // Sends an operation, with corrections and retries, until it succeeds or fails for good.
  RetryResult Execute(const Operation& operation, const RetryObserver& on_retry);

 private:
  // The corrections that were made during one attempt because of its responses. Each kind is made only once,
  // and a slow request is cancelled at most kMaxSlowCancels times, so that a store that contradicts itself
  // cannot cause an endless loop.
  struct Corrections {
    bool region = false;
    bool clock = false;
    bool credentials = false;
    std::vector<std::string> omitted_headers;  // optional headers that the store may have refused
    // A refusal without a code that a wrong clock may have caused, as an error of the kind kClockSkewed.
    std::optional<Error> clock_guess;
    int slow_cancels = 0;  // how often the request was cancelled as slow
  };
  // A request that was cancelled as slow this many times is not cancelled again.
  static constexpr int kMaxSlowCancels = 2;

  Result<Response> PutWithToken(const Operation& put, const ObjectTarget& target, std::string_view token,
                                bool is_retry, const RetryObserver& on_retry);
  bool Correct(const Error& error, const Operation& operation, const StoreContext& context,
               const CredentialCache::Snapshot& credentials, Corrections* corrections);
  Result<Response> SendAttempt(const Operation& operation, const StoreContext& context,
                               const Credentials& credentials, const Corrections& corrections, bool is_retry);
  HttpResponse RoundTrip(HttpRequest request, EndpointPool::Lease* lease);
  void CheckResult(const Operation& operation, const Credentials& credentials, Result<Response>* result);
  RetryExemption ExemptionFor(const Error& error);
  bool ProbeStore();
  bool Sleep(std::chrono::milliseconds delay, SlotState reason);

  StoreContextCache* const store_;
  CredentialCache* const credentials_;
  AdmissionController* const admission_;
  const RetryOptions retry_;
  const IntegrityOptions integrity_;
  Transport* const transport_;
  Waiter* const waiter_;
  const std::stop_token stop_;
  Latencies* const latencies_;
  const AdmissionController::WaitContext wait_context_;
  std::atomic<bool> has_succeeded_{false};  // the store has accepted a request with these credentials
};

// Returns true when a conditional write was refused because the key exists (HTTP 412).
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
bool SaysItExists(const Error& error);

// Returns true when `head`, a response to HeadObject, has our token. If the response contains the size, that
// must be our size, too. Gateways may omit Content-Length in responses to HEAD: RFC 9110, section 8.6.
bool HasOwnToken(const Response& head, std::string_view token, std::uint64_t bytes);

// Returns true when `head` contains a size other than `bytes`. A missing size is unknown, not zero.
bool HasOtherSize(const Response& head, std::uint64_t bytes);

// Returns true if the error says that the credentials are not allowed to read the object, for example with a
// write-only key. The error then does not show whether the object exists.
bool CannotBeRead(const Error& error);

}  // namespace s3
