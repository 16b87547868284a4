// Carries an operation of S3 out: build, sign, send, judge, back off. The operations on one object;
// those of multipart uploads are in s3/client/multipart.h.
#pragma once

#include <atomic>
#include <functional>
#include <stop_token>

#include "s3/admission/admission_controller.h"
#include "s3/admission/retry.h"
#include "s3/api/payload.h"
#include "s3/api/requests.h"
#include "s3/credentials/credential_cache.h"
#include "s3/http.h"
#include "s3/stores/store_context.h"

namespace s3 {

using RetryObserver = std::function<void(const RetryEvent&)>;

// One operation: what is sent, and what makes its answer a success.
struct Operation {
  std::function<HttpRequest(const BucketAddress&)> build;
  // The data; null when the request's own body is signed as it stands. Not owned.
  const Payload* payload = nullptr;
  bool wants_etag = false;
  // Takes away what nobody could go on with: sent when the run is stopping, too.
  bool finishes = false;
  // What is wrong with an answer that says success.
  std::function<std::optional<Error>(const Response&)> check = nullptr;
};

// Thread-safe; one for a run. Calls return when the request has settled, and wait through the
// Waiter meanwhile. None of what it works with is owned.
class Client {
 public:
  // `facts` says where requests go and how they are signed; what the store corrects of it is learnt,
  // and the request sent again at once, which is no attempt. So it is when the store says that the
  // credentials have expired, and there are others.
  Client(StoreContextCache* facts, CredentialCache* credentials, AdmissionController* admission,
         RetryOptions retry, IntegrityOptions integrity, Transport* transport, Waiter* waiter,
         std::stop_token stop);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Resolved: the checksum is not kAuto.
  const IntegrityOptions& integrity() const { return integrity_; }
  const RetryOptions& retry() const { return retry_; }

  // Whether data may be sent from a file instead of from memory: something protects the bytes from being
  // others than those that were digested.
  bool SendsFromFiles() const;

  // Compares ETag or checksum in the answer with those of the payload. With If-None-Match and a
  // `token`, a refusal because the object exists is a success when the object has that token: it
  // is our own, whose answer was lost. Where the store may ignore the condition the key is asked for before
  // each attempt; what another writer stores between that and the attempt is then replaced.
  RetryResult PutObject(const ObjectTarget& target, const Payload& payload, std::string_view token,
                        const RetryObserver& on_retry);
  RetryResult HeadObject(const ObjectTarget& target, const RetryObserver& on_retry);

  // For a conditional write at a store that may not keep the condition: nothing when the key is free, the
  // answer to HeadObject when the object there has our token and size. SaysItExists() holds for the error
  // when the object is another writer's; any other error means that the key must not be written.
  Result<std::optional<Response>> AskForKey(const ObjectTarget& target, std::string_view token,
                                            std::uint64_t bytes, const RetryObserver& on_retry);

  // The object as the store has it: its size, and its checksum or ETag when `known` has them.
  // kIntegrity when they differ.
  RetryResult VerifyObject(const ObjectTarget& target, std::uint64_t bytes, std::string_view etag,
                           std::string_view checksum, const RetryObserver& on_retry);

  // Sends once and judges. Every attempt is signed anew: a signature is good for 15 minutes, a
  // backoff may last longer.
  // `again`: it was sent before, and goes before what was not.
  Result<Response> SendWithCorrections(const Operation& operation, bool again = true);
  // Calls `attempt` until it settles, with the delays of the retry options.
  RetryResult RetryLoop(const Attempt& attempt, const RetryObserver& on_retry);
  RetryResult Execute(const Operation& operation, const RetryObserver& on_retry);

 private:
  // How one request is sent.
  struct AttemptOptions {
    bool again = false;
    int given_up = 0;                  // so many times for being slow
    std::vector<std::string> without;  // headers that the store may have refused
  };
  // A request that was slow twice is slow.
  static constexpr int kMaxGivenUp = 2;

  bool Sleep(std::chrono::milliseconds delay);
  Result<Response> Send(const Operation& operation, const StoreContext& facts, const Credentials& credentials,
                        const AttemptOptions& manner);
  HttpResponse Exchange(HttpRequest request, const EndpointPool::Lease& lease);
  bool StoreAnswers();
  void ClassifyFor(const Operation& operation, const Credentials& credentials, Result<Response>* answer);

  StoreContextCache* const facts_;
  CredentialCache* const credentials_;
  AdmissionController* const admission_;
  const RetryOptions retry_;
  const IntegrityOptions integrity_;
  Transport* const transport_;
  Waiter* const waiter_;
  const std::stop_token stop_;
  const AdmissionController::Body body_;
  std::atomic<bool> credentials_worked_{false};
};

// True when a conditional write was refused because the key exists: HTTP 412.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
bool SaysItExists(const Error& error);

// True when `head`, the answer to HeadObject, describes the object that has our token and, where it names
// one, our size. Gateways leave Content-Length out of answers to HEAD, which they may: RFC 9110, section 8.6.
bool HasOwnToken(const Response& head, std::string_view token, std::uint64_t bytes);

// True when `head` names a size, and it is another one. A size that is not named is unknown, not zero.
bool HasOtherSize(const Response& head, std::uint64_t bytes);

// True when the store does not let us read what was asked for, as with a key that may only write. That shows
// neither that something is there nor that it is not.
bool CannotBeRead(const Error& error);

}  // namespace s3
