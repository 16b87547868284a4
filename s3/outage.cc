#include "s3/outage.h"

#include <algorithm>

namespace s3 {

bool Outage::Left(Answer answer, Clock::time_point now) {
  const int others = --in_flight_;
  if (answer == Answer::kGood) {
    ever_answered_ = true;
    unanswered_ = failed_ = 0;
    if (state_ == State::kOpening && ++allowed_ >= most_in_flight_) state_ = State::kOpen;
    return false;
  }
  if (answer == Answer::kNotAwaited) return false;
  if (failed_++ == 0) first_failure_ = now;
  if (answer == Answer::kNone) ++unanswered_;
  if (state_ == State::kClosed || !ever_answered_) return false;
  // Of many requests in flight some may fail together, of a few hardly.
  const int enough = std::clamp(others / 4, kFewestFailures, kMostFailures);
  const bool refused_for_long = failed_ >= enough && now - first_failure_ >= kRefusalsFor;
  if (unanswered_ < enough && !refused_for_long) return false;
  state_ = State::kClosed;
  confirmed_ = false;
  probes_ = 0;
  return true;
}

void Outage::ProbeAnswered() {
  if (confirmed_) ++confirmed_outages_;
  state_ = State::kOpening;
  allowed_ = in_flight_ + kFirstAllowed;
  unanswered_ = failed_ = 0;
}

std::chrono::milliseconds Outage::ProbeInterval() {
  constexpr std::chrono::milliseconds kFirst{200}, kLongest{2000};
  return std::min(kFirst * (1 << std::min(probes_++, 8)), kLongest);
}

Outage::Clock::duration Outage::Length(Clock::time_point now) const {
  return state_ == State::kClosed && confirmed_ ? now - first_failure_ : Clock::duration::zero();
}

}  // namespace s3
