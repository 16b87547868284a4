#include "s3/client/client.h"

#include <fmt/format.h>

#include <algorithm>

#include "s3/api/etag.h"
#include "s3/hash/checksum.h"

namespace s3 {
namespace {

// Refusals that may be of the way the data travels, and not of the data: which option it was.
std::string_view AdviceFor(const IntegrityOptions& integrity, const Error& error) {
  if (error.http_status != 400 && error.http_status != 411 && error.http_status != 501) return "";
  if (integrity.trailer) return " (not every store takes integrity.checksum_as: trailer)";
  if (integrity.payload == PayloadMode::kStreaming)
    return " (not every store takes integrity.payload: streaming)";
  const bool checksum_header = !ChecksumHeader(integrity.checksum).empty();
  if (checksum_header && error.kind == ErrorKind::kPermanent) {
    return " (if it is about x-amz-checksum headers: integrity.checksum: md5 or none)";
  }
  return "";
}

// Not every store says ExpiredToken: Ceph answers AccessDenied or InvalidAccessKeyId, and a HEAD has no
// body to say it in. Second thoughts only when they are at their end by their own account.
bool LooksExpired(const Error& error, const Credentials& credentials) {
  constexpr std::chrono::seconds kRounding{1};  // stores may count in whole seconds
  if (!credentials.expires || std::chrono::system_clock::now() + kRounding < *credentials.expires)
    return false;
  const bool mute = error.http_status == 400 && error.code.empty();
  return error.kind == ErrorKind::kBadCredentials || error.kind == ErrorKind::kAccessDenied || mute;
}

// `writes`: the request had data, or made an object of it.
CircuitBreaker::Outcome WhatItSays(const Result<Response>& answer, bool writes) {
  using Says = CircuitBreaker::Outcome;
  if (answer) return writes ? Says::kStored : Says::kGood;
  const auto& error = answer.error();
  if (error.kind == ErrorKind::kStoreFull) return Says::kFull;
  switch (error.http_status) {
    case 0: return error.kind == ErrorKind::kTransient ? Says::kNone : Says::kNotAwaited;
    case 429:
    case 503: return Says::kRefused;
    case 500:
    case 502:
    case 504: return Says::kNone;
    case 400: return error.kind == ErrorKind::kTransient && error.code.empty() ? Says::kNone : Says::kGood;
    default: return Says::kGood;
  }
}

// What failed on this side says nothing of the server.
bool FailedHere(ErrorKind kind) {
  return kind == ErrorKind::kCancelled || kind == ErrorKind::kChanged || kind == ErrorKind::kLocal;
}

// What a job says of an object in its own words, which may come out of the environment.
bool IsFreeText(std::string_view name) {
  if (!name.starts_with("x-amz-")) return name != "content-type";
  return name.starts_with("x-amz-meta-") || name == "x-amz-website-redirect-location";
}

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A store may answer with what it was sent.
void Redact(const Credentials& credentials, const HttpRequest& request, std::string* text) {
  RedactIn(text, credentials.secret_access_key);
  RedactIn(text, credentials.session_token);
  for (const auto& header : request.secret_headers) RedactIn(text, header.value);
  for (const auto& [name, value] : request.headers) {
    if (IsFreeText(name)) RedactIn(text, Secret(value));
    if (name != kTaggingHeader) continue;
    for (const auto& tag : ParseTagging(value)) RedactIn(text, Secret(tag.second));
  }
}

}  // namespace

Client::Client(StoreContextCache* facts, CredentialCache* credentials, AdmissionController* admission,
               RetryOptions retry, IntegrityOptions integrity, Transport* transport, Waiter* waiter,
               std::stop_token stop)
    : facts_(facts),
      credentials_(credentials),
      admission_(admission),
      retry_(retry),
      integrity_(integrity),
      transport_(transport),
      waiter_(waiter),
      stop_(std::move(stop)),
      body_{waiter, [this](std::chrono::milliseconds delay) { Sleep(delay); },
            [this] { return StoreAnswers(); }} {}

RetryResult Client::PutObject(const ObjectTarget& target, const Payload& payload, std::string_view token,
                              const RetryObserver& on_retry) {
  const Operation put{
      .build = [&](const BucketAddress& bucket) { return BuildPutObject(bucket, target, token); },
      .payload = &payload,
      .wants_etag = true,
      .check = [&](const Response& answer) { return CompareWithSent(payload, *target.properties, answer); }};
  if (token.empty()) return Execute(put, on_retry);
  return RetryLoop(
      [&](int number) -> Result<Response> {
        if (!integrity_.put_keeps_conditions) {
          auto asked = AskForKey(target, token, payload.size(), on_retry);
          if (!asked) return tl::unexpected(std::move(asked.error()));
          if (*asked) return std::move(**asked);
        }
        auto answer = SendWithCorrections(put, number > 1);
        if (answer || !SaysItExists(answer.error())) return answer;
        auto head = HeadObject(target, on_retry).answer;
        return head && HasOwnToken(*head, token, payload.size()) ? std::move(head) : std::move(answer);
      },
      on_retry);
}

RetryResult Client::HeadObject(const ObjectTarget& target, const RetryObserver& on_retry) {
  const bool with_checksum = !ChecksumHeader(integrity_.checksum).empty();
  return Execute(
      {.build = [&](const BucketAddress& bucket) { return BuildHeadObject(bucket, target, with_checksum); },
       .wants_etag = true},
      on_retry);
}

Result<std::optional<Response>> Client::AskForKey(const ObjectTarget& target, std::string_view token,
                                                  std::uint64_t bytes, const RetryObserver& on_retry) {
  auto head = HeadObject(target, on_retry).answer;
  if (head && HasOwnToken(*head, token, bytes)) return std::move(*head);
  if (head) {
    return tl::unexpected(Error{.kind = ErrorKind::kPermanent,
                                .message = "the key exists: HeadObject said so before the write",
                                .http_status = 412,
                                .code = "PreconditionFailed"});
  }
  auto& error = head.error();
  if (error.http_status == 404) return std::nullopt;
  error.message = fmt::format(
      "if_none_match: the store may ignore the condition, and whether the key exists cannot be asked "
      "(HeadObject needs s3:GetObject and s3:ListBucket): {}",
      error.message);
  return tl::unexpected(std::move(error));
}

RetryResult Client::VerifyObject(const ObjectTarget& target, std::uint64_t bytes, std::string_view etag,
                                 std::string_view checksum, const RetryObserver& on_retry) {
  auto head = HeadObject(target, on_retry);
  if (!head.answer) {
    auto& error = head.answer.error();
    if (CannotBeRead(error)) {
      error.message = fmt::format(
          "integrity.verify: the store has acknowledged the object, and does not let it be asked for "
          "(HeadObject "
          "needs s3:GetObject): {}",
          error.message);
    }
    return head;
  }
  const auto& answer = *head.answer;
  std::string problem;
  const auto stored = answer.headers.Find(ChecksumHeader(integrity_.checksum));
  if (HasOtherSize(answer, bytes)) {
    problem = fmt::format("has {} bytes in the store, and {} were sent", *answer.content_length, bytes);
  } else if (stored && !checksum.empty() && *stored != checksum) {
    problem = "has another checksum in the store than what was sent";
  } else if (!IsSameETag(answer.etag, etag)) {
    problem = fmt::format("has another ETag in the store than was acknowledged: {}", answer.etag);
  }
  if (!problem.empty()) {
    head.answer = Fail(ErrorKind::kIntegrity, "integrity.verify: the object " + problem);
  }
  return head;
}

RetryResult Client::RetryLoop(const Attempt& attempt, const RetryObserver& on_retry) {
  RetryHooks hooks;
  hooks.sleep = [this](std::chrono::milliseconds delay) { return Sleep(delay); };
  hooks.on_retry = on_retry;
  hooks.excuse = [this](const Error& error) {
    if (admission_->SitOut(body_)) return RetryExemption::kOutage;
    const bool early = error.kind == ErrorKind::kThrottled && admission_->IsSearching();
    return early ? RetryExemption::kPace : RetryExemption::kNone;
  };
  return RunAttempts(retry_, hooks, attempt);
}

RetryResult Client::Execute(const Operation& operation, const RetryObserver& on_retry) {
  return RetryLoop([&](int number) { return SendWithCorrections(operation, number > 1); }, on_retry);
}

Result<Response> Client::SendWithCorrections(const Operation& operation, bool again) {
  // Each kind of correction once: a store that contradicts itself is not followed.
  bool region_corrected = false, clock_corrected = false, renewed = false;
  AttemptOptions manner{again};
  for (;;) {
    const auto facts = facts_->Current();
    const auto credentials = credentials_->Get(waiter_);
    if (!credentials) return tl::unexpected(credentials.error());
    auto answer = Send(operation, *facts, **credentials, manner);
    if (answer && !manner.without.empty()) facts_->LearnRefused(manner.without);
    if (answer) return answer;
    if (manner.without.empty()) {
      manner.without = SuspectHeaders(operation.build(facts->buckets.front()), answer.error());
      std::erase_if(manner.without, [&](const auto& name) { return Has(facts->refused_headers, name); });
      if (!manner.without.empty()) continue;
    }
    if (answer.error().kind == ErrorKind::kSlow) {
      ++manner.given_up;
      continue;
    }
    if (answer.error().kind == ErrorKind::kExpiredCredentials) {
      if (renewed) return answer;
      renewed = true;
      // When there are none to be had, Get says so.
      credentials_->Renew(*credentials, waiter_);
      continue;
    }
    bool& corrected = answer.error().kind == ErrorKind::kClockSkewed ? clock_corrected : region_corrected;
    if (corrected || !facts_->Learn(answer.error(), *facts)) return answer;
    corrected = true;
  }
}

bool Client::SendsFromFiles() const {
  const bool digested =
      integrity_.payload == PayloadMode::kSha256 || integrity_.checksum != ChecksumAlgorithm::kNone;
  return digested && !IsChunked(integrity_);
}

Result<Response> Client::Send(const Operation& operation, const StoreContext& facts,
                              const Credentials& credentials, const AttemptOptions& manner) {
  const std::uint64_t bytes = operation.payload != nullptr ? operation.payload->size() : 0;
  if (!admission_->Enter({bytes, manner.again, operation.finishes}, body_))
    return Fail(ErrorKind::kCancelled, "the run was stopped before the request was sent");
  const auto lease = facts_->endpoints().Take();
  auto request = operation.build(facts.buckets[lease.index]);
  std::erase_if(request.headers, [&](const Header& header) {
    return Has(facts.refused_headers, header.name) || Has(manner.without, header.name);
  });
  auto& signer = *facts.signer;
  const auto now = std::chrono::system_clock::now() + facts.clock_offset;
  const auto* payload = operation.payload;
  const auto hash = payload != nullptr ? AttachPayload(*payload, &request) : Sha256Hex(request.body);
  const auto seed = signer.SignHeaders(&request, hash, credentials, now);
  ChunkedBody chunked;
  if (payload != nullptr && IsChunked(payload->integrity)) {
    ChunkSigning signing;
    if (payload->integrity.payload == PayloadMode::kStreaming) {
      signing = {seed,
                 [&](std::string_view previous, std::string_view chunk) {
                   return signer.SignChunk(credentials, now, previous, chunk);
                 },
                 [&](std::string_view previous, std::string_view trailers) {
                   return signer.SignTrailer(credentials, now, previous, trailers);
                 }};
    }
    chunked = FrameChunks(*payload, signing);
    request.body_pieces = chunked.pieces;
  }
  // Data may be sent twice; by itself the transport would take another idle connection for what was slow.
  request.give_up_when_slow = payload != nullptr && manner.given_up < kMaxGivenUp;
  request.fresh_connection = request.fresh_connection || manner.given_up > 0;
  auto answer = ClassifyResponse(Exchange(std::move(request), lease), operation.wants_etag);
  if (!answer) {
    // One server of several, or one moment, when others have answered as a store does.
    const bool elsewhere =
        answer.error().kind == ErrorKind::kWrongEndpoint || answer.error().kind == ErrorKind::kUntrusted;
    if (elsewhere && credentials_worked_) answer.error().kind = ErrorKind::kTransient;
  }
  const auto redact = [&] {
    if (!answer) Redact(credentials, operation.build(facts.buckets[lease.index]), &answer.error().message);
  };
  redact();
  admission_->Left(WhatItSays(answer, payload != nullptr), answer ? "" : answer.error().message);
  ClassifyFor(operation, credentials, &answer);
  redact();
  return answer;
}

HttpResponse Client::Exchange(HttpRequest request, const EndpointPool::Lease& lease) {
  HttpResponse response;
  waiter_->Wait([&](Wake wake) { transport_->Send(std::move(request), &response, wake); });
  const bool unreachable = response.failure && !FailedHere(response.failure->kind);
  // A gateway that is ill says 500, 502 or 504; 503 is the store's way to ask for less.
  facts_->endpoints().Give(lease, !unreachable && (response.status < 500 || response.status == 503));
  return response;
}

// Any answer will do, a refusal too; without credentials there is nothing to wait for.
bool Client::StoreAnswers() {
  const auto credentials = credentials_->Get(waiter_);
  if (!credentials) return true;
  const auto facts = facts_->Current();
  const auto lease = facts_->endpoints().Take();
  auto request = BuildHeadBucket(facts->buckets[lease.index]);
  facts->signer->SignHeaders(&request, Sha256Hex(""), **credentials,
                             std::chrono::system_clock::now() + facts->clock_offset);
  return WhatItSays(ClassifyResponse(Exchange(std::move(request), lease), false), false) ==
         CircuitBreaker::Outcome::kGood;
}

void Client::ClassifyFor(const Operation& operation, const Credentials& credentials,
                         Result<Response>* judged) {
  auto& answer = *judged;
  const auto* payload = operation.payload;
  if (answer) {
    credentials_worked_ = true;
    auto problem = operation.check ? operation.check(*answer) : std::nullopt;
    if (problem) answer = tl::unexpected(std::move(*problem));
  } else if (answer.error().code == "SignatureDoesNotMatch" && credentials_worked_ && payload != nullptr &&
             IsChunked(payload->integrity)) {
    // With signed chunks, bytes that were damaged on their way look like a wrong key; it is none
    // when the same key has signed other requests.
    answer.error().kind = ErrorKind::kIntegrity;
  } else if (LooksExpired(answer.error(), credentials)) {
    answer.error().kind = ErrorKind::kExpiredCredentials;
  }
  if (answer || payload == nullptr) return;
  if (answer.error().kind == ErrorKind::kIntegrity && payload->check_file) {
    if (auto same = payload->check_file(); !same) {
      answer = tl::unexpected(std::move(same.error()));
      return;
    }
  }
  answer.error().message += AdviceFor(payload->integrity, answer.error());
}

bool Client::Sleep(std::chrono::milliseconds delay) {
  if (!stop_.stop_requested()) {
    waiter_->Wait([&](Wake wake) { transport_->WakeAfter(delay, wake); });
  }
  return !stop_.stop_requested();
}

bool SaysItExists(const Error& error) { return error.http_status == 412; }

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
