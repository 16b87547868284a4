#include "s3/client/attempt_outcome.h"

#include <chrono>

#include "s3/hash/checksum.h"

namespace s3 {

CircuitBreaker::Outcome OutcomeOf(const Result<Response>& result, bool writes) {
  using Outcome = CircuitBreaker::Outcome;
  if (result) return writes ? Outcome::kStored : Outcome::kResponded;
  const auto& error = result.error();
  const bool is_transient = error.kind == ErrorKind::kTransient;
  if (error.kind == ErrorKind::kStoreFull) return Outcome::kFull;
  switch (error.http_status) {
    case 0: return is_transient ? Outcome::kUnavailable : Outcome::kCancelled;
    case 429:
    case 503: return Outcome::kThrottled;
    case 500:
    case 502:
    case 504: return Outcome::kUnavailable;
    // A 400 without an S3 error code comes from a server in front of the store.
    case 400: return is_transient && error.code.empty() ? Outcome::kUnavailable : Outcome::kResponded;
    default: return Outcome::kResponded;
  }
}

bool LooksExpired(const Error& error, const Credentials& credentials) {
  constexpr std::chrono::seconds kRounding{1};  // stores may count in whole seconds
  if (!credentials.expires || std::chrono::system_clock::now() + kRounding < *credentials.expires)
    return false;
  const bool has_no_code = error.http_status == 400 && error.code.empty();
  return error.kind == ErrorKind::kBadCredentials || error.kind == ErrorKind::kAccessDenied || has_no_code;
}

bool LooksSkewed(const Error& error, std::chrono::system_clock::time_point now) {
  constexpr std::chrono::minutes kMaxDifference{5};
  if (error.kind != ErrorKind::kAccessDenied || !error.code.empty() || !error.server_time) return false;
  return std::chrono::abs(*error.server_time - now) > kMaxDifference;
}

bool FailedLocally(ErrorKind kind) {
  return kind == ErrorKind::kCancelled || kind == ErrorKind::kChanged || kind == ErrorKind::kLocal;
}

std::string_view OptionAdvice(const IntegrityOptions& integrity, const Error& error) {
  if (error.http_status != 400 && error.http_status != 411 && error.http_status != 501) return "";
  if (integrity.trailer) return " (not every store accepts integrity.checksum_as: trailer)";
  if (integrity.payload == PayloadMode::kStreaming)
    return " (not every store accepts integrity.payload: streaming)";
  const bool has_checksum_header = !ChecksumHeader(integrity.checksum).empty();
  if (has_checksum_header && error.kind == ErrorKind::kPermanent) {
    return " (if this concerns x-amz-checksum headers: set integrity.checksum: md5 or none)";
  }
  return "";
}

}  // namespace s3
