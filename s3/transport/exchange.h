// One request and its response, as bytes to send and bytes that were received; part of the event loop.
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

// Reused from exchange to exchange: it keeps its strings' capacity. Prepared by the caller's thread before it
// is handed over, then used by the loop's thread only. Does no I/O.
class Exchange {
 public:
  using Clock = std::chrono::steady_clock;

  // `options` outlives it.
  explicit Exchange(const TransportOptions& options) : options_(options) {}
  ~Exchange() { Forget(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Returns false when the request has no head that may be sent: `*response` then says why, and `wake` is the
  // caller's to call.
  bool Prepare(const HttpRequest& request, HttpResponse* response, Wake wake);

  const Endpoint& endpoint() const { return endpoint_; }
  // The endpoint as a text, which tells connections apart.
  const std::string& route() const { return route_; }
  bool needs_fresh_connection() const { return needs_fresh_connection_; }
  bool may_be_given_up() const { return may_be_given_up_; }
  std::uint64_t body_bytes() const { return body_bytes_; }

  // Starts the stall guard's clock.
  void Begin(Clock::time_point now) { began_ = guard_since_ = now; }
  Clock::duration Age(Clock::time_point now) const { return now - began_; }
  // True when fewer than stall_bytes moved since the stall window began.
  bool HasStalled(Clock::time_point now);
  // True when the response takes longer than `response_timeout`.
  bool IsOverdue(Clock::time_point now) const;

  // Goes back to the first byte of the request, and of the response. `ask_first`: the body waits until the
  // server says that it will take it (Expect: 100-continue; RFC 9110, section 10.1.1).
  void Rewind(bool ask_first);
  bool is_worth_asking() const { return body_bytes_ > kAskAbove; }
  bool expects_continue() const { return asked_first_; }
  bool holds_body() const { return holds_body_; }
  // True once the server has kept the body waiting for too long: most that do never answer at all.
  bool AskedInVain(Clock::time_point now) const;
  void SendBodyUnasked() { holds_body_ = false; }

  // What may be sent now, from the first byte that was not: fills the front of `pieces`. When that is
  // nothing, of the file.
  std::span<const iovec> Unsent(std::span<iovec> pieces) const;
  FileRange UnsentFile() const;
  void Sent(std::size_t bytes, Clock::time_point now);
  bool sent_head() const { return piece_ > 0; }
  bool sent_all() const { return piece_ == pieces_.size() && file_sent_ == file_.bytes; }

  // True when a response that begins now must not be believed unless the server has acknowledged the whole
  // request: the kernel may still hold much of it.
  bool needs_acknowledgement() const {
    return sent_all() && body_bytes_ > kHeldByKernel && !parser_.started_final();
  }
  // `too_early`: not all of the request has been sent, or acknowledged where that is needed.
  ResponseParser::State Received(std::string_view bytes, bool too_early, Clock::time_point now);
  ResponseParser::State ConnectionEnded() { return parser_.End(); }
  bool received_any() const { return parser_.started(); }
  bool leaves_connection_usable() const { return !began_early_ && parser_.keeps_alive(); }
  int status() const { return response_->status; }
  // Of the response; empty when it has none.
  std::string_view request_id() const { return response_->headers.Find("x-amz-request-id").value_or(""); }
  std::string problem() const {
    return met_tls_ ? "it speaks TLS: destination.endpoint needs https://" : parser_.problem();
  }
  // What came instead of a response is a TLS record.
  bool met_tls() const { return met_tls_; }

  // Each records how the exchange ended; the waker is called after one of them. Nothing to record for one
  // that ended with a whole response, unless it came too early.
  void FinishAnswered();
  void Fail(ErrorKind kind, std::string_view what);
  void FailUnread(Error error);
  void FailSlow();
  void FailStalled();
  void FailOverdue();
  void FailCancelled();
  Wake Done() const { return wake_; }
  // What the head held of secrets is overwritten: it may lie idle for long.
  void Forget() {
    if (std::exchange(head_is_secret_, false)) Wipe(&head_);
  }

  // The loop's own notes.
  Connection* connection = nullptr;
  std::size_t position = 0;  // among those in flight
  bool is_waiting = false;   // for a connection

  // As libcurl does it by default (https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html).
  static constexpr std::uint64_t kAskAbove = 1 << 20;
  static constexpr std::chrono::seconds kAskTimeout{1};
  // Whether larger bodies have arrived is worth a system call.
  static constexpr std::uint64_t kHeldByKernel = 64 << 10;

 private:
  void WriteHead(const HttpRequest& request);
  std::size_t HeadBytes(const HttpRequest& request, std::string_view query) const;
  std::chrono::milliseconds stall_window() const;
  std::size_t sendable_pieces() const { return holds_body_ ? 1 : pieces_.size(); }

  const TransportOptions& options_;
  Endpoint endpoint_;
  std::string route_;
  bool needs_fresh_connection_ = false;
  bool may_be_given_up_ = false;
  bool answers_late_ = false;
  std::uint64_t body_bytes_ = 0;
  std::string head_;  // request line and header lines, and with `Expect` as its last one or without
  std::size_t plain_head_bytes_ = 0;
  bool head_is_secret_ = false;
  std::vector<std::string_view> pieces_;  // the head, then the body
  std::size_t piece_ = 0, piece_offset_ = 0;
  FileRange file_;  // after the pieces
  std::uint64_t file_sent_ = 0;
  bool asked_first_ = false;
  bool holds_body_ = false;
  Clock::time_point asked_at_{};
  bool to_head_ = false;
  bool met_tls_ = false;
  bool began_early_ = false;  // the response, before the whole request was sent
  Clock::time_point answering_since_ = Clock::time_point::max();
  ResponseParser parser_;
  HttpResponse* response_ = nullptr;
  Wake wake_;
  std::uint64_t moved_bytes_ = 0;
  Clock::time_point began_{}, guard_since_{};
  std::uint64_t guard_bytes_ = 0;
};

}  // namespace s3
