// One HTTP exchange as values, and the seam to whatever carries it.
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

// A header whose value nobody may see: a token, a key. Signed and sent like the others.
struct SecretHeader {
  std::string name;  // lower case
  Secret value;
};

// Bytes of an open file. The descriptor is not owned: it stays open, and may be read from any thread, until
// the exchange has ended. None when `bytes` is 0.
struct FileRange {
  int fd = -1;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct HttpRequest {
  std::string method;
  Endpoint endpoint;
  std::string path;  // percent-encoded, begins with '/'; sent as it stands
  std::vector<QueryParam> query;
  std::vector<Header> headers;  // holds "host" once signed; sent as they stand
  std::vector<SecretHeader> secret_headers;
  // Not owned: must stay valid and unchanged until the exchange has ended. Sent from memory, so a
  // resend needs no rewind.
  std::string_view body;
  // When not empty, sent instead of `body`, one after the other; owned by nobody here either.
  std::vector<std::string_view> body_pieces;
  // Instead of both: without TLS the kernel sends it from its page cache, and nothing is copied; with TLS it
  // is read by and by. A file that ends before fails the exchange with kChanged, one that cannot be read with
  // kLocal.
  FileRange body_file;
  // For what must not be done twice: the transport sends a request again by itself when a connection that
  // it reuses dies before any byte of an answer, and never on a new one.
  bool fresh_connection = false;
  // Its server may work for long before it answers: options' completion_window.
  bool answers_late = false;
  // May be ended with kSlow when it takes far longer than others of its size; see
  // s3/transport/straggler_detector.h.
  bool give_up_when_slow = false;

  // Of whichever body it has.
  std::uint64_t body_bytes() const;
};

// Says what of a request cannot stand in its head, where it would end a line or a field; nothing when all
// can. Shows no value. RFC 9110, section 5.5: CR, LF and NUL in a value are dangerous, other controls are
// invalid.
std::optional<std::string> HeadProblem(const HttpRequest& request);

// The answer's status line and header lines, as text; looked up, not parsed into a map.
class HttpHeaders {
 public:
  // The value of the first header of that name (any case), without surrounding space.
  std::optional<std::string_view> Find(std::string_view name) const;
  void AppendLine(std::string_view line) {
    if (raw_.empty()) raw_.reserve(512);
    raw_.append(line);
  }
  void Clear() { raw_.clear(); }
  std::size_t size_bytes() const { return raw_.size(); }
  std::string_view lines() const { return raw_; }

 private:
  std::string raw_;
};

// RFC 9110, section 5.6.7: the one form that servers may generate. From 1970 to 2199: no clock is further
// off.
std::optional<std::chrono::sys_seconds> ParseHttpDate(std::string_view text);

struct HttpResponse {
  // Set when no complete answer came; status, headers and body then hold what did come.
  std::optional<Error> failure;
  int status = 0;
  HttpHeaders headers;
  std::string body;             // at most kMaxBodyBytes
  bool body_truncated = false;  // there was more: the rest was not read

  // S3's answers to uploads are small; a server that sends more is not believed but cut off.
  static constexpr std::size_t kMaxBodyBytes = 1 << 20;
  static constexpr std::size_t kMaxHeaderBytes = 64 << 10;  // of one header block
  // Of all that is not the body: header blocks, those of interim (1xx) responses, chunk sizes with their
  // extensions, trailers. Enough for a body of 1 MiB in chunks of 32 bytes.
  static constexpr std::size_t kMaxFramingBytes = 256 << 10;
  // A store that needs long for an answer may send a 102 every now and then.
  static constexpr int kMaxInterim = 1000;
};

// Carries requests and keeps time. Thread-safe. Everything it is given to wake is woken exactly
// once, from a thread of its own or from within the call.
class Transport {
 public:
  virtual ~Transport() = default;

  // Fills `*response`, then calls `wake`; what the request's body points to and `response` stay valid until
  // then. The request itself is used up before it waits: thousands of them would hold some KiB each.
  virtual void Send(HttpRequest&& request, HttpResponse* response, Wake wake) = 0;

  // Calls `wake` after `delay`, or at once when sleeps are cancelled.
  virtual void WakeAfter(std::chrono::milliseconds delay, Wake wake) = 0;

  // Ends all sleeps, those to come too: a run that is stopping does not wait for a backoff.
  virtual void CancelSleeps() = 0;

  // Ends all exchanges, those to come too, with kind kCancelled.
  virtual void Abort() = 0;
};

}  // namespace s3
