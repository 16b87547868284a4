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
#include "s3/transport/response_parser.h"

namespace s3 {

class Connection;

// One request and its response. Reused for later requests, so that its strings keep their capacity. The
// caller's thread prepares it and gives it to the loop. Afterwards only the loop's thread uses it.
class Exchange {
 public:
  using Clock = std::chrono::steady_clock;

  // `options` must outlive the exchange.
  explicit Exchange(const TransportOptions& options) : options_(options) {}
  ~Exchange() { Forget(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Copies from `request` what the exchange needs, and writes the head. The body is not copied. Returns false
  // when no valid head can be written. Then `*response` says why, and the caller must call `wake`.
  bool Prepare(const HttpRequest& request, HttpResponse* response, Wake wake);

  const Endpoint& endpoint() const { return endpoint_; }
  // The endpoint as a URL. Exchanges with the same origin can share connections.
  const std::string& origin() const { return origin_; }
  bool needs_fresh_connection() const { return needs_fresh_connection_; }
  // True when the exchange may be cancelled as a straggler.
  bool may_cancel_if_slow() const { return may_cancel_if_slow_; }
  std::uint64_t body_bytes() const { return body_bytes_; }

  // Starts the clocks of the age and of the stall window.
  void Begin(Clock::time_point now) { began_ = stall_window_began_ = now; }
  Clock::duration Age(Clock::time_point now) const { return now - began_; }
  // Returns true when fewer than `stall_bytes` moved during a whole stall window.
  bool HasStalled(Clock::time_point now);
  // Returns true when the response takes longer than `response_timeout`.
  bool IsOverdue(Clock::time_point now) const;

  // Prepares to send the request from its first byte, and to receive a new response. `expect_continue`: sends
  // the body only after the server has agreed to it (Expect: 100-continue; RFC 9110, section 10.1.1).
  void Rewind(bool expect_continue);
  bool is_worth_expecting() const { return body_bytes_ > kExpectContinueAbove; }
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
  // Returns how many bytes of the body have been sent since the last Rewind().
  std::uint64_t body_sent() const { return body_sent_; }
  bool sent_head() const { return piece_ > 0; }
  bool sent_all() const { return piece_ == pieces_.size() && file_sent_ == file_.bytes; }

  // True when a response that begins now is credible only if the server's kernel has acknowledged the whole
  // request. Bytes that were given to our kernel may not have left it yet.
  bool needs_acknowledgement() const {
    return sent_all() && body_bytes_ > kMaxUnacknowledged && !parser_.started_final();
  }
  // Parses received bytes. `is_early`: the request is not yet sent completely, or needs_acknowledgement() and
  // is not yet acknowledged completely.
  ResponseParser::State Received(std::string_view bytes, bool is_early, Clock::time_point now);
  ResponseParser::State ConnectionEnded() { return parser_.End(); }
  bool received_any() const { return parser_.started(); }
  // True when the connection can carry another exchange after this response.
  bool leaves_connection_usable() const { return !began_early_ && parser_.keeps_alive(); }
  int status() const { return response_->status; }
  // The response's x-amz-request-id; empty when it has none.
  std::string_view request_id() const { return response_->headers.Find("x-amz-request-id").value_or(""); }
  // Says why the received bytes are not a response.
  std::string problem() const {
    return met_tls_ ? "the server speaks TLS: destination.endpoint needs https://" : parser_.problem();
  }
  // True when a TLS record came instead of a response.
  bool met_tls() const { return met_tls_; }

  // Complete() and the Fail functions write into the response how the exchange ended. Call exactly one of
  // them, then the waker. If a success came before the whole request was sent, Complete() records a failure.
  void Complete();
  void Fail(ErrorKind kind, std::string_view what);
  void FailUnreadable(Error file_error);
  void FailSlow();
  void FailStalled();
  void FailOverdue();
  void FailCancelled();
  Wake waker() const { return wake_; }
  // Overwrites the head if it contains secrets, because a recycled exchange may stay unused for long.
  void Forget() {
    if (std::exchange(head_is_secret_, false)) Wipe(&head_);
  }

  // Written and read by the event loop only.
  Connection* connection = nullptr;
  std::size_t index = 0;  // in the loop's list of exchanges in flight
  bool is_awaiting_connection = false;

  // libcurl's defaults (https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html).
  static constexpr std::uint64_t kExpectContinueAbove = 1 << 20;
  static constexpr std::chrono::seconds kContinueTimeout{1};
  // For larger bodies a system call checks whether the server's kernel has acknowledged them.
  static constexpr std::uint64_t kMaxUnacknowledged = 64 << 10;

 private:
  void WriteHead(const HttpRequest& request);
  std::size_t HeadBytes(const HttpRequest& request, std::string_view query) const;
  std::chrono::milliseconds stall_window() const;
  std::size_t sendable_pieces() const { return awaits_continue_ ? 1 : pieces_.size(); }

  const TransportOptions& options_;
  Endpoint endpoint_;
  std::string origin_;
  bool needs_fresh_connection_ = false;
  bool may_cancel_if_slow_ = false;
  bool responds_late_ = false;  // the server may work for minutes before its response
  std::uint64_t body_bytes_ = 0;
  std::string head_;  // request line and header lines; Rewind appends `Expect` if wanted, and the empty line
  std::size_t head_bytes_without_end_ = 0;
  bool head_is_secret_ = false;
  std::vector<std::string_view> pieces_;  // the head, then the body
  std::size_t piece_ = 0, piece_offset_ = 0;
  FileRange file_;  // sent after the pieces
  std::uint64_t file_sent_ = 0;
  std::uint64_t body_sent_ = 0;
  bool expects_continue_ = false;
  bool awaits_continue_ = false;
  Clock::time_point continue_awaited_since_{};
  bool is_head_request_ = false;
  bool met_tls_ = false;
  bool began_early_ = false;  // the response began before the whole request was sent
  Clock::time_point response_began_ = Clock::time_point::max();
  ResponseParser parser_;
  HttpResponse* response_ = nullptr;
  Wake wake_;
  std::uint64_t moved_bytes_ = 0;
  Clock::time_point began_{}, stall_window_began_{};
  std::uint64_t moved_before_window_ = 0;
};

}  // namespace s3
