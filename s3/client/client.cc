#include "s3/client/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "s3/api/etag.h"
#include "s3/client/attempt_outcome.h"
#include "s3/hash/checksum.h"

namespace s3 {
namespace {

// Returns the optional headers that may have made the store refuse the operation, without those that were not
// sent.
std::vector<std::string> SuspectsOf(const Operation& operation, const StoreContext& context,
                                    const Error& refusal) {
  auto suspects = SuspectHeaders(operation.build(context.buckets.front()), refusal);
  const auto& refused = context.refused_headers;
  std::erase_if(suspects, [&](const std::string& name) {
    return std::find(refused.begin(), refused.end(), name) != refused.end();
  });
  return suspects;
}

// Returns the store's clock minus ours. `skewed` has just been received.
std::chrono::seconds OffsetOf(const Error& skewed) {
  return std::chrono::floor<std::chrono::seconds>(*skewed.server_time - std::chrono::system_clock::now());
}

bool HasCondition(const HttpRequest& request) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [](const Header& header) { return header.name == "if-none-match"; });
}

}  // namespace

Client::Client(StoreContextCache* store, CredentialCache* credentials, AdmissionController* admission,
               RetryOptions retry, IntegrityOptions integrity, Transport* transport, Waiter* waiter,
               std::stop_token stop, Latencies* latencies)
    : store_(store),
      credentials_(credentials),
      admission_(admission),
      retry_(retry),
      integrity_(integrity),
      transport_(transport),
      waiter_(waiter),
      stop_(std::move(stop)),
      latencies_(latencies),
      wait_context_{waiter,
                    [this](std::chrono::milliseconds delay, SlotState reason) { Sleep(delay, reason); },
                    [this] { return ProbeStore(); }} {}

bool Client::SendsFromFiles() const {
  const bool has_digest =
      integrity_.payload == PayloadMode::kSha256 || integrity_.checksum != ChecksumAlgorithm::kNone;
  return has_digest && !IsChunked(integrity_);
}

RetryResult Client::PutObject(const ObjectTarget& target, const Payload& payload, std::string_view token,
                              const RetryObserver& on_retry) {
  const Operation put{
      .build = [&](const BucketAddress& bucket) { return BuildPutObject(bucket, target, token); },
      .payload = &payload,
      .wants_etag = true,
      .check =
          [&](const Response& response) { return CompareWithSent(payload, *target.properties, response); }};
  if (token.empty()) return Execute(put, on_retry);
  return RetryLoop([&](int number) { return PutWithToken(put, target, token, number > 1, on_retry); },
                   on_retry);
}

Result<Response> Client::PutWithToken(const Operation& put, const ObjectTarget& target,
                                      std::string_view token, bool is_retry, const RetryObserver& on_retry) {
  const auto bytes = put.payload_bytes();
  if (!integrity_.put_keeps_conditions) {
    auto own = CheckKeyBeforeWrite(target, token, bytes, on_retry);
    if (!own) return tl::unexpected(std::move(own.error()));
    if (*own) return std::move(**own);
  }
  auto result = SendWithCorrections(put, is_retry);
  if (result || !SaysItExists(result.error())) return result;
  auto head = HeadObject(target, on_retry).response;
  if (head && HasOwnToken(*head, token, bytes)) return head;
  return result;
}

RetryResult Client::HeadObject(const ObjectTarget& target, const RetryObserver& on_retry) {
  const bool with_checksum = !ChecksumHeader(integrity_.checksum).empty();
  return Execute(
      {.build = [&](const BucketAddress& bucket) { return BuildHeadObject(bucket, target, with_checksum); },
       .wants_etag = true},
      on_retry);
}

Result<std::optional<Response>> Client::CheckKeyBeforeWrite(const ObjectTarget& target,
                                                            std::string_view token, std::uint64_t bytes,
                                                            const RetryObserver& on_retry) {
  auto head = HeadObject(target, on_retry).response;
  if (head && HasOwnToken(*head, token, bytes)) return std::move(*head);
  if (head) {
    return tl::unexpected(Error{.kind = ErrorKind::kPermanent,
                                .message = "the key exists: HeadObject found it before the write",
                                .http_status = 412,
                                .code = "PreconditionFailed",
                                .key_exists = true});
  }
  auto& error = head.error();
  if (error.http_status == 404) return std::nullopt;
  error.message = fmt::format(
      "if_none_match: the store may ignore the condition, and s3flow cannot check whether the key exists "
      "(HeadObject needs s3:GetObject and s3:ListBucket): {}",
      error.message);
  return tl::unexpected(std::move(error));
}

RetryResult Client::VerifyObject(const ObjectTarget& target, std::uint64_t bytes, std::string_view etag,
                                 std::string_view checksum, const RetryObserver& on_retry) {
  auto head = HeadObject(target, on_retry);
  if (!head.response) {
    auto& error = head.response.error();
    if (CannotBeRead(error)) {
      error.message = fmt::format(
          "integrity.verify: the store acknowledged the object, but does not let s3flow check it (HeadObject "
          "needs s3:GetObject): {}",
          error.message);
    }
    return head;
  }
  const auto& response = *head.response;
  std::string problem;
  const auto stored = response.headers.Find(ChecksumHeader(integrity_.checksum));
  if (HasOtherSize(response, bytes)) {
    problem = fmt::format("has {} bytes in the store, but {} were sent", *response.content_length, bytes);
  } else if (stored && !checksum.empty() && *stored != checksum) {
    problem = "has a checksum in the store that differs from that of the sent data";
  } else if (!IsSameETag(response.etag, etag)) {
    problem =
        fmt::format("has the ETag {} in the store, but the store acknowledged another ETag", response.etag);
  }
  if (!problem.empty()) {
    head.response = Fail(ErrorKind::kIntegrity, "integrity.verify: the object " + problem);
  }
  return head;
}

RetryResult Client::RetryLoop(const Attempt& attempt, const RetryObserver& on_retry) {
  RetryHooks hooks;
  hooks.sleep = [this](std::chrono::milliseconds delay, const Error& error) {
    return Sleep(delay, error.kind == ErrorKind::kThrottled ? SlotState::kThrottling : SlotState::kBackoff);
  };
  hooks.on_retry = on_retry;
  hooks.exemption = [this](const Error& error) { return ExemptionFor(error); };
  return RunAttempts(retry_, hooks, attempt);
}

RetryExemption Client::ExemptionFor(const Error& error) {
  if (admission_->WaitOutOutage(wait_context_)) return RetryExemption::kOutage;
  const bool rate_unknown = error.kind == ErrorKind::kThrottled && admission_->IsEstimatingRate();
  return rate_unknown ? RetryExemption::kUnknownRate : RetryExemption::kNone;
}

RetryResult Client::Execute(const Operation& operation, const RetryObserver& on_retry) {
  return RetryLoop([&](int number) { return SendWithCorrections(operation, number > 1); }, on_retry);
}

Result<Response> Client::SendWithCorrections(const Operation& operation, bool is_retry) {
  Corrections corrections;
  for (;;) {
    const auto* context = store_->Current();
    StoreContext guessed;  // only for this request, until the store has accepted it
    if (corrections.clock_guess) {
      guessed = *context;
      guessed.clock_offset = OffsetOf(*corrections.clock_guess);
      context = &guessed;
    }
    const auto credentials = credentials_->Get(waiter_);
    if (!credentials) return tl::unexpected(credentials.error());
    auto result = SendAttempt(operation, *context, **credentials, corrections, is_retry);
    if (result) {
      if (corrections.clock_guess) (void)store_->LearnFrom(*corrections.clock_guess, *store_->Current());
      if (!corrections.omitted_headers.empty()) store_->LearnRefusedHeaders(corrections.omitted_headers);
      return result;
    }
    if (!Correct(result.error(), operation, *context, *credentials, &corrections)) return result;
  }
}

// Returns true when the operation should be sent again at once. The refused request used `context` and
// `credentials`.
bool Client::Correct(const Error& error, const Operation& operation, const StoreContext& context,
                     const CredentialCache::Snapshot& credentials, Corrections* corrections) {
  if (corrections->omitted_headers.empty()) {
    corrections->omitted_headers = SuspectsOf(operation, context, error);
    if (!corrections->omitted_headers.empty()) return true;
  }
  switch (error.kind) {
    case ErrorKind::kSlow: ++corrections->slow_cancels; return true;
    case ErrorKind::kExpiredCredentials:
      if (corrections->credentials) return false;
      corrections->credentials = true;
      credentials_->Renew(credentials, waiter_);
      return true;  // without new credentials the next Get() fails and says why
    case ErrorKind::kAccessDenied: {
      const auto signed_at = std::chrono::system_clock::now() + context.clock_offset;
      if (corrections->clock || !LooksSkewed(error, signed_at)) return false;
      corrections->clock = true;
      corrections->clock_guess = error;
      corrections->clock_guess->kind = ErrorKind::kClockSkewed;
      return true;
    }
    case ErrorKind::kClockSkewed:
      if (corrections->clock) return false;
      corrections->clock = true;
      return store_->LearnFrom(error, context);
    case ErrorKind::kWrongRegion:
      if (corrections->region) return false;
      corrections->region = true;
      return store_->LearnFrom(error, context);
    default: return false;
  }
}

Result<Response> Client::SendAttempt(const Operation& operation, const StoreContext& context,
                                     const Credentials& credentials, const Corrections& corrections,
                                     bool is_retry) {
  auto ticket =
      admission_->Acquire({operation.payload_bytes(), is_retry, operation.is_cleanup}, wait_context_);
  if (!ticket) return Fail(ErrorKind::kCancelled, "the run was stopped before the request was sent");
  auto lease = store_->endpoints().Take();
  auto prepared = Prepare(operation, context, lease.index(), credentials, corrections.omitted_headers);
  auto& request = prepared.http();
  const bool has_data = operation.payload != nullptr;
  // A request with data (PutObject, UploadPart) does no harm if it is executed twice. After a slow request
  // the resend needs a new connection, because the transport would otherwise use an idle one.
  request.give_up_when_slow = has_data && corrections.slow_cancels < kMaxSlowCancels;
  request.fresh_connection = request.fresh_connection || corrections.slow_cancels > 0;

  const bool is_conditional = HasCondition(request);
  auto result = ClassifyResponse(RoundTrip(std::move(request), &lease), operation.wants_etag);
  if (!result) {
    auto& error = result.error();
    // A server other than the store responded. If the store itself has accepted a request before, the problem
    // is temporary, or concerns only one of several servers.
    const bool is_other_server =
        error.kind == ErrorKind::kWrongEndpoint || error.kind == ErrorKind::kUntrusted;
    if (is_other_server && has_succeeded_) error.kind = ErrorKind::kTransient;
    error.key_exists = is_conditional && error.http_status == 412;
    prepared.RedactSecretsIn(&error.message);
  }
  ticket->Release(OutcomeOf(result, has_data), result ? "" : result.error().message);
  CheckResult(operation, credentials, &result);
  if (!result) prepared.RedactSecretsIn(&result.error().message);
  return result;
}

HttpResponse Client::RoundTrip(HttpRequest request, EndpointPool::Lease* lease) {
  HttpResponse response;
  const auto kind = request.kind;
  const auto bytes = request.body_bytes();
  waiter_->Wait(SlotState::kConnecting,
                [&](Wake wake) { transport_->Send(std::move(request), &response, wake); });
  if (latencies_ != nullptr && !response.failure) latencies_->Record(kind, bytes, response.took);
  const bool unreachable = response.failure && !FailedLocally(response.failure->kind);
  // 500, 502 and 504 come from a gateway that is unwell; with 503 the store asks for fewer requests.
  lease->Release(!unreachable && (response.status < 500 || response.status == 503));
  return response;
}

// For a success, applies the operation's own check. For a failure, corrects the kind and appends advice to
// the message; both depend on the operation, the credentials and earlier successes.
void Client::CheckResult(const Operation& operation, const Credentials& credentials,
                         Result<Response>* result) {
  const auto* payload = operation.payload;
  if (*result) {
    has_succeeded_ = true;
    auto problem = operation.check ? operation.check(**result) : std::nullopt;
    if (!problem) return;
    *result = tl::unexpected(std::move(*problem));
  } else {
    auto& error = result->error();
    const bool signs_chunks = payload != nullptr && IsChunked(payload->integrity);
    if (error.code == "SignatureDoesNotMatch" && has_succeeded_ && signs_chunks) {
      // When chunks are signed, damaged bytes look like a wrong key. The key is right, because it has signed
      // other requests.
      error.kind = ErrorKind::kIntegrity;
    } else if (LooksExpired(error, credentials)) {
      error.kind = ErrorKind::kExpiredCredentials;
    }
  }
  if (payload == nullptr) return;
  if (result->error().kind == ErrorKind::kIntegrity && payload->check_file) {
    if (auto unchanged = payload->check_file(); !unchanged) {
      *result = tl::unexpected(std::move(unchanged.error()));
      return;
    }
  }
  result->error().message += OptionAdvice(payload->integrity, result->error());
}

// Returns true when the store handles a request or refuses it (kResponded), but not when it throttles the
// request or is unavailable. Returns true when there are no credentials, too, because it would not help to
// wait for the store.
bool Client::ProbeStore() {
  const auto credentials = credentials_->Get(waiter_);
  if (!credentials) return true;
  const auto* context = store_->Current();
  auto lease = store_->endpoints().Take();
  auto request = BuildHeadBucket(context->buckets[lease.index()]);
  context->signer->SignHeaders(&request, Sha256Hex(""), **credentials,
                               std::chrono::system_clock::now() + context->clock_offset);
  const auto result = ClassifyResponse(RoundTrip(std::move(request), &lease), false);
  return OutcomeOf(result, false) == CircuitBreaker::Outcome::kResponded;
}

// Returns false when the run is stopping.
bool Client::Sleep(std::chrono::milliseconds delay, SlotState reason) {
  if (!stop_.stop_requested()) {
    waiter_->Wait(reason, [&](Wake wake) { transport_->WakeAfter(delay, wake); });
  }
  return !stop_.stop_requested();
}

bool SaysItExists(const Error& error) { return error.key_exists; }

bool HasOwnToken(const Response& head, std::string_view token, std::uint64_t bytes) {
  return !token.empty() && head.headers.Find(kTokenHeader) == token && !HasOtherSize(head, bytes);
}

bool HasOtherSize(const Response& head, std::uint64_t bytes) {
  return head.content_length && *head.content_length != bytes;
}

bool CannotBeRead(const Error& error) {
  return error.kind == ErrorKind::kAccessDenied || error.http_status == 405 || error.http_status == 501;
}

}  // namespace s3
