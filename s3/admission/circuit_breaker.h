// Decides whether requests may be sent at all: blocks all requests while the store is away or full, and
// allows them again gradually. A value; not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>

namespace s3 {

// The breaker is closed while all is well: requests pass. It opens after several requests in a row failed,
// each without a response or with a 5xx. While it is open, requests are blocked, but use up no attempt. The
// owner of the breaker probes the store from time to time. When a probe succeeds, the breaker becomes
// half-open: it allows a few requests in flight, and one more after each success, so that not all waiting
// requests reach the store at once. A probe cannot show whether a full store has room again. So while the
// store is full, the breaker allows one real request from time to time instead.
class CircuitBreaker {
 public:
  // Before the store's first response, a single failure opens the breaker if `opens_on_first_failure` is
  // true; no failure opens the breaker if `opens_on_first_failure` is false.
  explicit CircuitBreaker(bool opens_on_first_failure = false)
      : opens_on_first_failure_(opens_on_first_failure) {}

  using Clock = std::chrono::steady_clock;

  // The state of the store, as the end of a request shows it.
  enum class Outcome {
    kResponded,    // the store handled the request, or refused it
    kStored,       // the store accepted data
    kFull,         // the store has no room for data
    kThrottled,    // 429 or 503: the store wants fewer requests, or is unwell
    kUnavailable,  // no response, or another 5xx
    kCancelled,    // we cancelled the request: nothing is known about the store
  };

  // Returns true when one more request may be sent now.
  bool AllowsRequest() const {
    return state_ == State::kClosed || (state_ == State::kHalfOpen && in_flight_ < allowed_);
  }
  // True while requests are blocked.
  bool is_open() const { return state_ == State::kOpen; }

  void OnSent() { max_in_flight_ = std::max(max_in_flight_, ++in_flight_); }
  // Call it once for each OnSent(). Returns true when this outcome opened the breaker for a new outage.
  bool OnOutcome(Outcome outcome, Clock::time_point now);

  void OnProbeSucceeded();
  void OnProbeFailed() { confirmed_ = true; }
  // Returns how long to wait before the next probe, and counts that probe.
  std::chrono::milliseconds NextProbeDelay();
  // Returns the time since the first failure if the outage is confirmed: a probe has failed, too, or the
  // store is full. Returns zero before that, and while the breaker is not open.
  Clock::duration OutageLength(Clock::time_point now) const;
  // Returns the number of confirmed outages that are over. Each AllowOne() counts as the end of an outage.
  int confirmed_outages() const { return confirmed_outages_; }

  // True while the breaker is open or half-open because the store has no room.
  bool is_full() const { return full_; }
  // Allows one request to a full store: its outcome shows whether there is room again.
  void AllowOne();

  // True while requests are in flight and no request has received a response or failed yet.
  bool awaits_first_response() const { return !ever_responded_ && failures_ == 0 && in_flight_ > 0; }

  // How many failures in a row open the breaker: a quarter of the requests in flight, within these bounds.
  static constexpr int kMaxFailures = 16, kMinFailures = 4;
  // A store that responds only with 429 and 5xx is treated as away after this time.
  static constexpr std::chrono::milliseconds kMaxThrottledTime{2000};
  // How many requests a half-open breaker allows at first, in addition to the requests that are still in
  // flight.
  static constexpr int kFirstAllowed = 8;

  static constexpr std::chrono::milliseconds kMaxProbeDelay{2000}, kMaxProbeDelayWhileFull{15'000};

 private:
  enum class State { kClosed, kOpen, kHalfOpen };

  void OnSuccess(Outcome outcome);
  bool OnFull();
  bool Open();

  const bool opens_on_first_failure_;
  State state_ = State::kClosed;
  int in_flight_ = 0, max_in_flight_ = 0;
  int allowed_ = 0;                     // the most requests in flight while half-open
  int unavailable_ = 0, failures_ = 0;  // failures in a row: with kUnavailable; of every kind
  bool ever_responded_ = false;
  bool full_ = false;
  bool confirmed_ = false;  // a probe has failed, too, or the store is full
  int probes_ = 0;          // since the breaker opened
  int confirmed_outages_ = 0;
  Clock::time_point first_failure_{};
};

}  // namespace s3
