// One request and its response: the bytes still to send, and the bytes received so far. Does no I/O.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/http.h"
#include "s3/options.h"
#include "s3/transport/direct/response_parser.h"
#include "s3/transport/exchange_base.h"

namespace s3 {

class Connection;

// One request and its response. Reused for later requests, so that its strings keep their capacity. The
// caller's thread prepares it and gives it to the loop. Afterwards only the loop's thread uses it.
class Exchange final : public ExchangeBase {
 public:
  // `options` must outlive the exchange.
  explicit Exchange(const TransportOptions& options) : ExchangeBase(options) {}
  ~Exchange() override { Forget(); }

  // Copies from `request` what the exchange needs, and writes the head. The body is not copied. Returns false
  // when no valid head can be written. Then `*response` says why, and the caller must call `wake`.
  bool Prepare(const HttpRequest& request, HttpResponse* response, Wake wake);

  // Prepares to send the request from its first byte, and to receive a new response. `expect_continue`: sends
  // the body only after the server has agreed to it (Expect: 100-continue; RFC 9110, section 10.1.1).
  void Rewind(bool expect_continue);
  // True when the request has the header Expect: 100-continue.
  bool expects_continue() const { return expects_continue_; }
  // True while the body waits for 100 Continue.
  bool awaits_continue() const { return awaits_continue_; }
  // Returns true once the wait for 100 Continue has taken kContinueTimeout. Most servers that keep a client
  // waiting for so long never send 100 Continue.
  bool HasContinueTimedOut(Clock::time_point now) const;
  void StopAwaitingContinue() { awaits_continue_ = false; }

  // Returns the bytes to send next, in the front of `pieces`. If the result is empty, send UnsentFile(),
  // which may be empty, too.
  std::span<const iovec> Unsent(std::span<iovec> pieces) const;
  FileRange UnsentFile() const;
  // Records that the next `bytes` bytes of the request have been sent.
  void Sent(std::size_t bytes, Clock::time_point now);
  bool sent_head() const { return piece_ > 0; }
  bool sent_all() const override { return piece_ == pieces_.size() && file_sent_ == file_.bytes; }

  // True when our kernel has taken the whole request, but the body is so large that a part of it may not have
  // left our kernel yet. Then a response that begins now counts only if the server's kernel has acknowledged
  // the whole request.
  bool needs_acknowledgement() const {
    return sent_all() && body_bytes() > kMaxUnacknowledged && !parser_.started_final();
  }
  // Parses received bytes. `is_early`: true if the request is not yet sent completely, or if
  // needs_acknowledgement() is true and the server's kernel has not yet acknowledged the whole request.
  ResponseParser::State Received(std::string_view bytes, bool is_early, Clock::time_point now);
  ResponseParser::State ConnectionEnded() { return parser_.End(); }
  bool received_any() const { return parser_.started(); }
  // Records how far the exchange is. Call it after bytes were sent or received.
  void NoteProgress(Clock::time_point now) const;
  // True when the connection can carry another exchange after this response.
  bool leaves_connection_usable() const { return !began_early_ && parser_.keeps_alive(); }
  // Says why the received bytes are not a response.
  std::string problem() const { return met_tls_ ? std::string(kSpeaksTls) : parser_.problem(); }
  // True when a TLS record came instead of a response.
  bool met_tls() const { return met_tls_; }

  // Overwrites the head if it contains secrets, because a recycled exchange may stay unused for long.
  void Forget() {
    if (std::exchange(head_is_secret_, false)) Wipe(&head_);
  }

  // Written and read by the event loop only.
  Connection* connection = nullptr;

 private:
  void WriteHead(const HttpRequest& request);
  std::size_t HeadBytes(const HttpRequest& request, std::string_view query) const;
  std::size_t sendable_pieces() const { return awaits_continue_ ? 1 : pieces_.size(); }

  std::string head_;  // request line and header lines; Rewind appends `Expect` if wanted, and the empty line
  std::size_t head_bytes_without_end_ = 0;
  bool head_is_secret_ = false;
  std::vector<std::string_view> pieces_;  // the head, then the body
  std::size_t piece_ = 0, piece_offset_ = 0;
  FileRange file_;  // sent after the pieces
  std::uint64_t file_sent_ = 0;
  bool expects_continue_ = false;
  bool awaits_continue_ = false;
  Clock::time_point continue_awaited_since_{};
  bool met_tls_ = false;
  ResponseParser parser_;
};

}  // namespace s3
