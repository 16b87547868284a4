// One HTTP exchange as values, and the interface of the transport that carries it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/result.h"
#include "s3/base/secret.h"
#include "s3/base/waiter.h"
#include "s3/uri.h"

namespace s3 {

struct Header {
  std::string name;  // lower case
  std::string value;
};

// A header with a secret value (a token, a key). It is signed and sent like the others, but never shown.
struct SecretHeader {
  std::string name;  // lower case
  Secret value;
};

// Bytes of an open file; none if `bytes` is 0. The descriptor is not owned: its owner must keep it open until
// the exchange has ended, and any thread may read from it until then.
struct FileRange {
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct HttpRequest {
  std::string method;
  Endpoint endpoint;
  std::string path;  // percent-encoded, begins with '/'; sent unchanged
  std::vector<QueryParam> query;
  std::vector<Header> headers;  // contains "host" once the request is signed; sent unchanged
  std::vector<SecretHeader> secret_headers;
  // The request has at most one of three bodies. This one is not owned: it must stay valid and unchanged
  // until the exchange has ended. It lies in memory, so that a resend needs no rewind.
  std::string_view body;
  // If not empty, sent in this order instead of `body`. Not owned either.
  std::vector<std::string_view> body_pieces;
  // Sent instead of both. Without TLS the kernel sends it from its page cache without a copy; with TLS it is
  // read piece by piece. The exchange fails with kChanged if the file is too short, with kLocal if it cannot
  // be read.
  FileRange body_file;
  // Uses a new connection: for a request that must not be executed twice. If a reused connection dies before
  // the first byte of a response, the transport sends the request again by itself; on a new one it never
  // does.
  bool fresh_connection = false;
  // The server may work for a long time before it responds: completion_window applies.
  bool responds_late = false;
  // The transport may end the exchange with kSlow if it takes much longer than others of its size; see
  // s3/transport/straggler_detector.h.
  bool give_up_when_slow = false;

  // The size of the body that the request has.
  std::uint64_t body_bytes() const;
};

// Returns a message if the request has a character that must not be written into an HTTP head, because it
// would end a line or a field. Returns nothing if all is well. The message contains no header value. RFC
// 9110, section 5.5: CR, LF and NUL in a value are dangerous, other control characters are invalid.
std::optional<std::string> HeadProblem(const HttpRequest& request);

// A response's status line and header lines as text. Find() searches the text: building a map would cost more
// than the few look-ups.
class HttpHeaders {
 public:
  // Returns the value of the first header with that name (in any case), without surrounding space.
  std::optional<std::string_view> Find(std::string_view name) const;
  // A line that begins with white space continues the one before (RFC 9112, section 5.2).
  void AppendLine(std::string_view line);
  void Clear() { raw_.clear(); }
  std::size_t size_bytes() const { return raw_.size(); }
  std::string_view lines() const { return raw_; }

 private:
  std::string raw_;
};

// Parses the one form that servers may generate (RFC 9110, section 5.6.7). Returns nothing for years outside
// 1970 to 2199.
std::optional<std::chrono::sys_seconds> ParseHttpDate(std::string_view text);

struct HttpResponse {
  // Set if no complete response was received; status, headers and body then hold the received part.
  std::optional<Error> failure;
  int status = 0;
  HttpHeaders headers;
  std::string body;             // at most kMaxBodyBytes
  bool body_truncated = false;  // the body was longer; the rest was not read

  // S3's responses to uploads are small. A longer body is cut off.
  static constexpr std::size_t kMaxBodyBytes = 1 << 20;
  static constexpr std::size_t kMaxHeaderBytes = 64 << 10;  // of one header block
  // For all bytes that are not the body: header blocks (also of interim 1xx responses), chunk sizes with
  // their extensions, trailers. Enough for a body of 1 MiB in chunks of 32 bytes.
  static constexpr std::size_t kMaxFramingBytes = 256 << 10;
  // Interim responses: a store that works for a long time may send a 102 from time to time.
  static constexpr int kMaxInterim = 1000;
};

// Carries requests and keeps time. Thread-safe. Calls every Wake exactly once, from a thread of its own or
// from within the call.
class Transport {
 public:
  virtual ~Transport() = default;

  // Fills `*response`, then calls `wake`. `response` and the bytes of the request's body must stay valid
  // until then. The transport keeps no copy of the request after the call: thousands of waiting requests
  // would hold some KiB each.
  virtual void Send(HttpRequest&& request, HttpResponse* response, Wake wake) = 0;

  // Calls `wake` after `delay`; at once after CancelSleeps().
  virtual void WakeAfter(std::chrono::milliseconds delay, Wake wake) = 0;

  // Ends all current and future sleeps: a run that stops must not wait for a backoff.
  virtual void CancelSleeps() = 0;

  // Ends all current and future exchanges with kind kCancelled.
  virtual void Abort() = 0;
};

}  // namespace s3
