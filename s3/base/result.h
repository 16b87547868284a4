// Error, the only error type of s3flow, and Result<T>, the return type of every function that can fail.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace s3 {

// Classifies errors by what the program can do about them. The code that reads the response, or makes the
// system call, chooses the kind once.
enum class ErrorKind {
  kTransient,           // network trouble or a 5xx: the same request may succeed later
  kThrottled,           // the store asks for fewer requests: retry later
  kSlow,                // we cancelled a request that was far slower than others: resend at once
  kClockSkewed,         // the clocks of the store and of this machine differ by more than the store accepts
  kExpiredCredentials,  // temporary credentials expired: the same request may succeed with new ones
  kNoCredentials,       // the credentials expired, and no provider has new ones
  kBadCredentials,      // the store does not know the key, or the secret is wrong
  kAccessDenied,        // the store knows the key but does not allow it this request
  kNoSuchBucket,        // the destination does not exist
  kWrongRegion,         // the bucket is in another region
  kUntrusted,           // the server's certificate could not be verified
  kWrongEndpoint,       // the server speaks another protocol, or a proxy refuses the connection
  kStoreFull,           // no space left, or a quota is used up: the same request may succeed later
  kIntegrity,           // the store reports content that differs from the sent content
  kPermanent,           // any other refusal
  kLocal,               // the source could not be read
  kChanged,             // the source changed while it was read
  kUnsupported,         // the input cannot become an object (its name, its size, a duplicate key)
  kConflict,            // another client writes the key at the same time: start a new upload
  kCancelled,           // the run was stopped
};

// Returns the kind's name in the journal and the reports, for example "access_denied". KindOf() is the
// inverse; it returns nothing for an unknown name.
std::string_view KindName(ErrorKind kind);
std::optional<ErrorKind> KindOf(std::string_view name);

// Returns true when the same request may succeed on another attempt. Returns false for kSlow, kClockSkewed
// and kWrongRegion, which the client corrects within one attempt.
bool IsRetryable(ErrorKind kind);

// Returns true when all other objects are likely to fail for the same reason. The run stops after such an
// error, unless an input has succeeded before.
bool RefusesWholeRun(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kPermanent;
  // One line for people, without secrets. Raw error bodies are never copied here, because S3 puts session
  // tokens into some of them.
  std::string message;
  int http_status = 0;
  std::string code;        // S3's <Code>; empty if the response has none
  std::string request_id;  // x-amz-request-id; empty if the response has none
  // For kWrongRegion: the region in the store's response, unchecked; empty if the response has none.
  std::string region{};
  // For kClockSkewed, and for a 403 without a code: the Date of the response, in UTC.
  std::optional<std::chrono::sys_seconds> server_time{};
  // How long the store asks to wait: Retry-After (seconds) or x-amz-retry-after (milliseconds).
  std::optional<std::chrono::milliseconds> retry_after{};
  // True if `retry_after` is from x-amz-retry-after: see RetryDelay in s3/admission/retry.h. False if it is
  // from Retry-After, which is a lower bound of the delay.
  bool retry_after_is_advice = false;
  // True if a write with If-None-Match was refused because its key exists. A 412 to any other request shows
  // nothing about the key.
  bool key_exists = false;
  int system_error = 0;  // errno, when a system call on a file failed
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> Fail(ErrorKind kind, std::string message) {
  return tl::unexpected(Error{.kind = kind, .message = std::move(message)});
}

}  // namespace s3
