#include "s3/admission/circuit_breaker.h"

#include <algorithm>

namespace s3 {

bool CircuitBreaker::OnOutcome(Outcome outcome, Clock::time_point now) {
  const int others_in_flight = --in_flight_;
  if (outcome == Outcome::kCancelled) return false;
  if (outcome == Outcome::kResponded || outcome == Outcome::kStored) {
    OnSuccess(outcome);
    return false;
  }
  if (failures_++ == 0) first_failure_ = now;
  if (outcome == Outcome::kFull) return OnFull();
  if (outcome == Outcome::kUnavailable) ++unavailable_;
  if (is_open()) return false;
  if (!ever_responded_ && !opens_on_first_failure_) return false;
  // With many requests in flight a few may fail together while the store is fine.
  const int needed = ever_responded_ ? std::clamp(others_in_flight / 4, kMinFailures, kMaxFailures) : 1;
  const bool throttled_for_long = failures_ >= needed && now - first_failure_ >= kMaxThrottledTime;
  return (unavailable_ >= needed || throttled_for_long) && Open();
}

void CircuitBreaker::OnSuccess(Outcome outcome) {
  ever_responded_ = true;
  // Only a request whose data the store accepted shows that a full store has room for data again.
  if (full_ && outcome != Outcome::kStored) return;
  unavailable_ = failures_ = 0;
  // This response belongs to a request from before the outage. Only a probe ends the outage.
  if (is_open()) return;
  full_ = false;
  if (state_ == State::kHalfOpen && ++allowed_ >= max_in_flight_) state_ = State::kClosed;
}

bool CircuitBreaker::OnFull() {
  ever_responded_ = true;
  if (is_open()) return false;
  const bool was_full = full_;
  const int probes = probes_;
  full_ = true;
  Open();
  confirmed_ = true;
  // The store is still full, so the delays between attempts continue to grow.
  if (was_full) probes_ = probes;
  return !was_full;
}

bool CircuitBreaker::Open() {
  state_ = State::kOpen;
  confirmed_ = false;
  probes_ = 0;
  return true;
}

void CircuitBreaker::OnProbeSucceeded() {
  if (confirmed_) ++confirmed_outages_;
  state_ = State::kHalfOpen;
  allowed_ = in_flight_ + kFirstAllowed;
  unavailable_ = failures_ = 0;
}

void CircuitBreaker::AllowOne() {
  ++confirmed_outages_;
  state_ = State::kHalfOpen;
  allowed_ = in_flight_ + 1;
}

std::chrono::milliseconds CircuitBreaker::NextProbeDelay() {
  constexpr std::chrono::milliseconds kFirst{200};
  const auto delay = kFirst * (1 << std::min(probes_++, 8));
  return std::min(delay, full_ ? kMaxProbeDelayWhileFull : kMaxProbeDelay);
}

CircuitBreaker::Clock::duration CircuitBreaker::OutageLength(Clock::time_point now) const {
  return is_open() && confirmed_ ? now - first_failure_ : Clock::duration::zero();
}

}  // namespace s3
