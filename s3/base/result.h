// The one error value of s3flow and the type of everything that can fail.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace s3 {

// What an error means for the work, decided once, where the answer (or the system call) is read.
enum class ErrorKind {
  kTransient,           // network trouble or a 5xx: the same request may succeed later
  kThrottled,           // the store asks for less: retry, later
  kSlow,                // given up by us, being far slower than its peers: to be sent again at once
  kClockSkewed,         // the store's clock and ours differ by more than it accepts
  kExpiredCredentials,  // temporary credentials ran out: the same request may succeed with others
  kNoCredentials,       // they ran out, and there are no others
  kBadCredentials,      // the store does not know the key, or the secret is wrong
  kAccessDenied,        // the key is known and may not do this
  kNoSuchBucket,        // the destination does not exist
  kWrongRegion,         // the bucket lives elsewhere
  kUntrusted,           // the server's certificate does not verify
  kWrongEndpoint,       // what is there speaks another protocol, or a proxy does not let us through
  kStoreFull,           // no room, or a quota is used up: the same request may succeed later
  kIntegrity,           // what the store says it holds is not what was sent
  kPermanent,           // any other refusal
  kLocal,               // the source could not be read
  kChanged,             // the source changed while it was read
  kUnsupported,         // the input cannot be an object (its name, its size, a key twice)
  kConflict,            // another write to the key was under way: to be begun again, from its creation
  kCancelled,           // the run was stopped
};

// The kind's name in the journal and the reports, for example "access_denied".
std::string_view KindName(ErrorKind kind);
std::optional<ErrorKind> KindOf(std::string_view name);

// True when the same request may succeed on another attempt.
bool IsRetryable(ErrorKind kind);

// True when every other object of the run is likely to meet the same end: the run stops when nothing
// succeeds.
bool RefusesWholeRun(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kPermanent;
  // One line for a person, without secrets: raw answers are never copied here, since S3 puts
  // session tokens into some error bodies.
  std::string message;
  int http_status = 0;
  std::string code;        // S3's <Code>, when there was one
  std::string request_id;  // x-amz-request-id, when there was one
  // Of kWrongRegion: the region that the store named, as it came; empty when it named none.
  std::string region{};
  // Of kClockSkewed: the Date of the answer, in UTC.
  std::optional<std::chrono::sys_seconds> server_time{};
  // How long the store asked to wait: Retry-After (seconds) or x-amz-retry-after (milliseconds).
  std::optional<std::chrono::milliseconds> retry_after{};
  // x-amz-retry-after is advice on top of the backoff; Retry-After is a floor.
  bool retry_after_is_advice = false;
  int system_error = 0;  // errno, when a file system's answer is the reason
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> Fail(ErrorKind kind, std::string message) {
  return tl::unexpected(Error{.kind = kind, .message = std::move(message)});
}

}  // namespace s3
