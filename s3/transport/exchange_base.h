// The part of an exchange (one request and its response) that both transports share: the destination, the
// clocks, and how the exchange failed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "s3/base/slot_time.h"
#include "s3/http.h"
#include "s3/options.h"

namespace s3 {

// Bytes of the bodies that one event loop has given to the kernel or to libcurl. Only the loop's thread
// writes them; any thread may read them.
struct SentCounters {
  std::atomic<std::uint64_t> total = 0;  // since the start; a repeated request is counted again
  std::atomic<std::uint64_t> ended = 0;  // the part of `total` whose attempts have ended
};

// An exchange object is reused for later requests. The caller's thread prepares it and gives it to the loop.
// Afterwards only the loop's thread uses it.
class ExchangeBase {
 public:
  using Clock = std::chrono::steady_clock;

  const Endpoint& endpoint() const { return endpoint_; }
  // The endpoint as a URL. Exchanges with the same origin can share connections.
  const std::string& origin() const { return origin_; }
  bool needs_fresh_connection() const { return needs_fresh_connection_; }
  // True when the exchange may be cancelled as a straggler.
  bool may_cancel_if_slow() const { return may_cancel_if_slow_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  // True when the body is so large that it should wait for 100 Continue.
  bool is_worth_expecting() const { return body_bytes_ > kExpectContinueAbove; }

  // Records what the caller waits for from `now` on.
  void EnterState(SlotState state, Clock::time_point now) const { wake_.WaitFor(state, now); }
  // Records when the exchange ended. Call it before Complete() or a Fail function.
  void End(Clock::time_point now);

  // Starts the clocks of the age and of the stall window.
  void Begin(Clock::time_point now) { began_ = stall_window_began_ = now; }
  // From now on, counts the sent bytes of the body in `*counters`, which must outlive the exchange.
  void CountIn(SentCounters* counters) { counters_ = counters; }
  // Ends the count of the present attempt: the next attempt starts with the first byte of the body.
  void RestartBody() {
    if (body_sent_ > 0) Add(&counters_->ended, std::exchange(body_sent_, 0));
  }
  Clock::duration Age(Clock::time_point now) const { return now - began_; }
  // Returns true when fewer than `stall_bytes` moved during a whole stall window.
  bool HasStalled(Clock::time_point now);
  // Returns true when the response takes longer than `response_timeout`.
  bool IsOverdue(Clock::time_point now) const;

  int status() const { return response_->status; }
  // The response's x-amz-request-id; empty when it has none.
  std::string_view request_id() const { return response_->headers.Find("x-amz-request-id").value_or(""); }

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

  // Written and read by the event loop only.
  std::size_t index = 0;  // in the loop's list of exchanges in flight
  bool is_awaiting_connection = false;

  // libcurl's defaults (https://curl.se/libcurl/c/CURLOPT_EXPECT_100_TIMEOUT_MS.html).
  static constexpr std::uint64_t kExpectContinueAbove = 1 << 20;
  static constexpr std::chrono::seconds kContinueTimeout{1};
  // A body of at most this size counts as sent once our kernel has taken it. For larger bodies a system call
  // checks whether the server's kernel has acknowledged them.
  static constexpr std::uint64_t kMaxUnacknowledged = 64 << 10;
  // The error when a TLS record came instead of a response.
  static constexpr std::string_view kSpeaksTls = "the server speaks TLS: destination.endpoint needs https://";

 protected:
  // `options` must outlive the exchange.
  explicit ExchangeBase(const TransportOptions& options) : options_(options) {}
  virtual ~ExchangeBase() = default;
  ExchangeBase(const ExchangeBase&) = delete;
  ExchangeBase& operator=(const ExchangeBase&) = delete;

  // Copies from `request` what both transports need. Returns false when no valid head can be written. Then
  // `*response` says why, and the caller must call `wake`.
  bool Accept(const HttpRequest& request, HttpResponse* response, Wake wake);
  // Empties the response.
  void ClearResponse();
  // Counts `bytes` as progress, for HasStalled().
  void Moved(std::uint64_t bytes) { moved_bytes_ += bytes; }
  // Counts bytes of the body that were given to the kernel or to libcurl.
  void SentBody(std::uint64_t bytes) {
    if (bytes == 0 || counters_ == nullptr) return;
    body_sent_ += bytes;
    Add(&counters_->total, bytes);
  }
  std::uint64_t body_sent() const { return body_sent_; }
  // Starts the clock of `response_timeout`, unless it already runs.
  void NoteResponse(Clock::time_point now) {
    response_began_ = now < response_began_ ? now : response_began_;
  }
  virtual bool sent_all() const = 0;

  static constexpr std::string_view kUserAgent = "s3flow/" S3FLOW_VERSION;

  const TransportOptions& options_;
  HttpResponse* response_ = nullptr;
  bool is_head_request_ = false;
  bool began_early_ = false;  // the response began before the whole request was sent

 private:
  // There is only one writer, so this needs no atomic read-modify-write.
  static void Add(std::atomic<std::uint64_t>* counter, std::uint64_t bytes) {
    counter->store(counter->load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }
  std::chrono::milliseconds stall_window() const;

  SentCounters* counters_ = nullptr;
  std::uint64_t body_sent_ = 0;  // of the present attempt

  Endpoint endpoint_;
  std::string origin_;
  bool needs_fresh_connection_ = false;
  bool may_cancel_if_slow_ = false;
  bool responds_late_ = false;  // the server may work for minutes before its response
  std::uint64_t body_bytes_ = 0;
  Wake wake_;
  std::uint64_t moved_bytes_ = 0, moved_before_window_ = 0;
  Clock::time_point accepted_{}, began_{}, stall_window_began_{};
  Clock::time_point response_began_ = Clock::time_point::max();
};

}  // namespace s3
