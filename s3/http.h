// Request and response of one HTTP exchange as values, and the interface of the transport that carries them.
#pragma once

#include <chrono>
#include <cstddef>
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

// A header with a secret value (a token, a key). It is signed and sent like other headers, but never printed.
struct SecretHeader {
  std::string name;  // lower case
  Secret value;
};

// A range of an open file; empty if `bytes` is 0. The descriptor is not owned. Its owner must keep it open
// until the exchange has ended, because any thread may read from it until then.
struct FileRange {
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

// What a request asks the store for.
enum class RequestKind : std::uint8_t {
  kPutObject,
  kUploadPart,
  kCreateMultipartUpload,
  kCompleteMultipartUpload,
  kHeadObject,
  kOther,
};
inline constexpr std::size_t kRequestKinds = 6;

struct HttpRequest {
  RequestKind kind = RequestKind::kOther;  // for statistics only
  std::string method;
  Endpoint endpoint;
  std::string path;  // percent-encoded, begins with '/'; sent unchanged
  std::vector<QueryParam> query;
  std::vector<Header> headers;  // contains "host" once the request is signed; sent unchanged
  std::vector<SecretHeader> secret_headers;
  // A request has at most one of the next three bodies. `body` is not owned: it must stay valid and unchanged
  // until the exchange has ended. It is in memory, so a resend needs no rewind.
  std::string_view body;
  // If not empty, these pieces are sent in order instead of `body`. They are not owned either.
  std::vector<std::string_view> body_pieces;
  // If not empty, this range is sent instead of `body` and `body_pieces`. Without TLS the kernel sends it
  // from its page cache without a copy. With TLS the transport reads it piece by piece. The exchange fails
  // with kChanged if the file is too short, and with kLocal if the file cannot be read.
  FileRange body_file;
  // True for a request that must not be executed twice. It is then sent over a new connection, because the
  // transport never sends a request again after a new connection has died. But after a reused connection has
  // died before the first byte of a response, the transport sends the request again by itself.
  bool fresh_connection = false;
  // True if the server may work for a long time before it responds. TransportOptions::completion_window then
  // applies.
  bool responds_late = false;
  // True if the transport may end the exchange with kSlow when it takes much longer than other exchanges of
  // its size; see s3/transport/straggler_detector.h.
  bool give_up_when_slow = false;

  // Returns the size in bytes of the body that is sent, whichever of the three it is.
  std::uint64_t body_bytes() const;
};

// Returns a message if the request has a character that must not be written into an HTTP head, for example
// because it would end a line or a field. Returns nothing if the request may be sent. The message contains no
// header value. RFC 9110, section 5.5: CR, LF and NUL in a value are dangerous, other control characters are
// invalid.
std::optional<std::string> HeadProblem(const HttpRequest& request);

// Returns true when one of `lines`, which end with LF, contains a NUL, or a CR that is not at its end. Some
// HTTP parsers end a line at such a CR, others at a NUL.
bool HasStrayLineEnd(std::string_view lines);

// A response's status line and header lines as text. Find() searches the text, because building a map would
// cost more than the few look-ups.
class HttpHeaders {
 public:
  // Returns the value of the first header with that name, without surrounding space. Ignores upper and lower
  // case in the name.
  std::optional<std::string_view> Find(std::string_view name) const;
  // A line that begins with white space continues the one before (RFC 9112, section 5.2).
  void AppendLine(std::string_view line);
  void Clear() { raw_.clear(); }
  std::size_t size_bytes() const { return raw_.size(); }
  std::string_view lines() const { return raw_; }

 private:
  std::string raw_;
};

// Parses an HTTP date in the only form that servers may generate (RFC 9110, section 5.6.7). Returns nothing
// for other forms, and for years outside 1970 to 2199.
std::optional<std::chrono::sys_seconds> ParseHttpDate(std::string_view text);

struct HttpResponse {
  // Set if no complete response was received; status, headers and body then contain the received part.
  std::optional<Error> failure;
  int status = 0;
  HttpHeaders headers;
  std::string body;             // at most kMaxBodyBytes
  bool body_truncated = false;  // the body was longer; the rest was not read
  // From Send() to the last byte of the response, or to the failure.
  std::chrono::steady_clock::duration took{};

  // S3's responses to uploads are small. A longer body is cut off.
  static constexpr std::size_t kMaxBodyBytes = 1 << 20;
  static constexpr std::size_t kMaxHeaderBytes = 64 << 10;  // of one header block
  // Limits all bytes that do not belong to the body: header blocks (also of interim 1xx responses), chunk
  // sizes with their extensions, trailers. It is enough for a body of 1 MiB in chunks of 32 bytes.
  static constexpr std::size_t kMaxFramingBytes = 256 << 10;
  // Limits the number of interim responses. A store that works for a long time may send a 102 again and
  // again.
  static constexpr int kMaxInterim = 1000;
};

// Sends requests and runs timers. Thread-safe. Calls every Wake exactly once, in one of its own threads or in
// the caller's thread before the function returns.
class Transport {
 public:
  virtual ~Transport() = default;

  // Fills `*response`, then calls `wake`. Meanwhile says with Wake::WaitFor() how far the exchange is.
  // `response` and the bytes of the request's body must stay valid until then. The transport keeps no copy of
  // the request after the call, because thousands of waiting requests would occupy some KiB each.
  virtual void Send(HttpRequest&& request, HttpResponse* response, Wake wake) = 0;

  // Calls `wake` after `delay`, or at once if CancelSleeps() was called.
  virtual void WakeAfter(std::chrono::milliseconds delay, Wake wake) = 0;

  // Ends all current and future sleeps, because a run that stops must not wait for a backoff.
  virtual void CancelSleeps() = 0;

  // Ends all current and future exchanges with kind kCancelled.
  virtual void Abort() = 0;
};

}  // namespace s3
