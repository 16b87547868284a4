#include "s3/admission/circuit_breaker.h"

#include <algorithm>
#include <utility>

namespace s3 {

bool CircuitBreaker::Left(Outcome answer, Clock::time_point now) {
  const int others = --in_flight_;
  if (answer == Outcome::kGood || answer == Outcome::kStored) {
    ever_answered_ = true;
    if (full_ && answer != Outcome::kStored) return false;
    unanswered_ = failed_ = 0;
    if (state_ == State::kClosed) return false;
    full_ = false;
    if (state_ == State::kOpening && ++allowed_ >= most_in_flight_) state_ = State::kOpen;
    return false;
  }
  if (answer == Outcome::kNotAwaited) return false;
  if (failed_++ == 0) first_failure_ = now;
  if (answer == Outcome::kFull) {
    ever_answered_ = true;
    if (state_ == State::kClosed) return false;
    const bool known = std::exchange(full_, true);
    const int probes = probes_;
    Close();
    confirmed_ = true;
    if (known) probes_ = probes;
    return !known;
  }
  if (answer == Outcome::kNone) ++unanswered_;
  if (state_ == State::kClosed || !(ever_answered_ || from_the_start_)) return false;
  // Of many requests in flight some may fail together, of a few hardly.
  const int enough = ever_answered_ ? std::clamp(others / 4, kMinFailures, kMaxFailures) : 1;
  const bool refused_for_long = failed_ >= enough && now - first_failure_ >= kRefusalsFor;
  return (unanswered_ >= enough || refused_for_long) && Close();
}

bool CircuitBreaker::Close() {
  state_ = State::kClosed;
  confirmed_ = false;
  probes_ = 0;
  return true;
}

void CircuitBreaker::ProbeAnswered() {
  if (confirmed_) ++confirmed_outages_;
  state_ = State::kOpening;
  allowed_ = in_flight_ + kFirstAllowed;
  unanswered_ = failed_ = 0;
}

void CircuitBreaker::TryOne() {
  ++confirmed_outages_;
  state_ = State::kOpening;
  allowed_ = in_flight_ + 1;
}

std::chrono::milliseconds CircuitBreaker::ProbeInterval() {
  constexpr std::chrono::milliseconds kFirst{200};
  return std::min(kFirst * (1 << std::min(probes_++, 8)), full_ ? kLongestWhileFull : kLongestInterval);
}

CircuitBreaker::Clock::duration CircuitBreaker::Length(Clock::time_point now) const {
  return state_ == State::kClosed && confirmed_ ? now - first_failure_ : Clock::duration::zero();
}

}  // namespace s3
