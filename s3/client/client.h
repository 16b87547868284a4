// Executes operations of S3: builds, signs, sends, classifies, retries. This file has the operations on a
// single object; s3/client/multipart.h has those of multipart uploads.
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
#include "s3/client/operation.h"
#include "s3/credentials/credential_cache.h"
#include "s3/http.h"
#include "s3/stores/store_context.h"

namespace s3 {

using RetryObserver = std::function<void(const RetryEvent&)>;

// Thread-safe; one for a run. Calls return when the operation has ended, and wait through the Waiter
// meanwhile. Errors are values of Result; only std::bad_alloc is thrown.
class Client {
 public:
  // None of the pointers is owned. `store` says where requests go and how they are signed. If a refusal shows
  // that the region or the clock is wrong, `store` is corrected and the request is sent again at once. The
  // same happens with new credentials if the store says that the old ones have expired. Neither counts as an
  // attempt.
  Client(StoreContextCache* store, CredentialCache* credentials, AdmissionController* admission,
         RetryOptions retry, IntegrityOptions integrity, Transport* transport, Waiter* waiter,
         std::stop_token stop);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Resolved: the checksum is not kAuto.
  const IntegrityOptions& integrity() const { return integrity_; }
  const RetryOptions& retry() const { return retry_; }

  // True if data may be sent from a file instead of from memory. That needs a digest that the store checks,
  // because the file may change after it was hashed.
  bool SendsFromFiles() const;

  // Stores an object, and compares the ETag or checksum of the response with those of the payload. With
  // If-None-Match and a `token`: if the store refuses because the key exists, and the object there has the
  // token, that is a success. The object is then ours, and an earlier response was lost. If the store may
  // ignore the condition, the key is checked before each attempt. An object that another writer stores
  // between the check and the attempt is replaced.
  RetryResult PutObject(const ObjectTarget& target, const Payload& payload, std::string_view token,
                        const RetryObserver& on_retry);
  RetryResult HeadObject(const ObjectTarget& target, const RetryObserver& on_retry);

  // Call before a conditional write to a store that may ignore the condition. Returns nothing if the key is
  // free. Returns the response to HeadObject if the object there has our token and size. Fails if another
  // writer's object is there; SaysItExists() is true for that error. After any other error the key must not
  // be written.
  Result<std::optional<Response>> CheckKeyBeforeWrite(const ObjectTarget& target, std::string_view token,
                                                      std::uint64_t bytes, const RetryObserver& on_retry);

  // Asks for the stored object with HeadObject and compares its size, and its checksum or ETag when the
  // response and the arguments have them. kIntegrity when they differ.
  RetryResult VerifyObject(const ObjectTarget& target, std::uint64_t bytes, std::string_view etag,
                           std::string_view checksum, const RetryObserver& on_retry);

  // Makes one attempt: sends the operation and classifies the response. Sends it again at once if something
  // could be corrected. Signs each time, because a signature is valid for 15 minutes and a backoff may last
  // longer. `is_retry`: an earlier attempt was sent, so this one is admitted before new requests.
  Result<Response> SendWithCorrections(const Operation& operation, bool is_retry);
  // Calls `attempt` until it succeeds or fails for good, with the delays of the retry options.
  RetryResult RetryLoop(const Attempt& attempt, const RetryObserver& on_retry);
  // Sends an operation, with corrections and retries, until it succeeds or fails for good.
  RetryResult Execute(const Operation& operation, const RetryObserver& on_retry);

 private:
  // What was changed because of the responses to one attempt. Each kind is corrected once: a store that
  // contradicts itself is not followed.
  struct Corrections {
    bool region = false;
    bool clock = false;
    bool credentials = false;
    std::vector<std::string> omitted_headers;  // optional headers that the store may have refused
    int slow_cancels = 0;                      // how often it was cancelled as a straggler
  };
  // A request that was slow this often is not cancelled as a straggler again.
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
  bool Sleep(std::chrono::milliseconds delay);

  StoreContextCache* const store_;
  CredentialCache* const credentials_;
  AdmissionController* const admission_;
  const RetryOptions retry_;
  const IntegrityOptions integrity_;
  Transport* const transport_;
  Waiter* const waiter_;
  const std::stop_token stop_;
  const AdmissionController::WaitContext wait_context_;
  std::atomic<bool> has_succeeded_{false};  // the store has accepted a request with these credentials
};

// True when a conditional write was refused because the key exists: HTTP 412.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
bool SaysItExists(const Error& error);

// True when the object that `head` (a response to HeadObject) describes has our token. If the response states
// the size, it must be our size, too. Gateways may omit Content-Length in responses to HEAD: RFC 9110,
// section 8.6.
bool HasOwnToken(const Response& head, std::string_view token, std::uint64_t bytes);

// True when `head` has a size, and it differs. A missing size is unknown, not zero.
bool HasOtherSize(const Response& head, std::uint64_t bytes);

// True if the credentials may not read the object, as with a write-only key. The error then does not show
// whether the object exists.
bool CannotBeRead(const Error& error);

}  // namespace s3
