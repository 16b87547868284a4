// Whether the store is there at all, and has room: a gate that closes when it is away or full, and opens
// slowly when that is over. A value; not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>

namespace s3 {

// Closed after requests in a row that no store answered, or that it could not carry out (5xx). Then requests
// wait, none of their attempts is spent, and one probe asks from time to time. When a probe is answered the
// gate lets a few through, and one more for each answer: there is no herd. Whether a full store has room
// again, only a write can tell: the gate lets one through from time to time.
class CircuitBreaker {
 public:
  // `from_the_start`: a store that has never answered is away, too; else that is for its requests to find
  // out.
  explicit CircuitBreaker(bool from_the_start = false) : from_the_start_(from_the_start) {}

  using Clock = std::chrono::steady_clock;
  enum class Outcome {
    kGood,        // the store did something with the request, be it a refusal
    kStored,      // it took data
    kFull,        // it has no room for data
    kRefused,     // 503 and the like: it is there, and wants less; or is ill
    kNone,        // no answer, or another 5xx
    kNotAwaited,  // it was we who ended the request
  };

  bool MayEnter() const {
    return state_ == State::kOpen || (state_ == State::kOpening && in_flight_ < allowed_);
  }
  bool closed() const { return state_ == State::kClosed; }
  void Entered() { most_in_flight_ = std::max(most_in_flight_, ++in_flight_); }
  // Of a request that had entered. True when the gate closed because of it.
  bool Left(Outcome answer, Clock::time_point now);

  // What a probe has found.
  void ProbeAnswered();
  void ProbeFailed() { confirmed_ = true; }
  // How long to wait before the next one.
  std::chrono::milliseconds ProbeInterval();
  // Since the first failure, and only when a probe has failed, too; else zero.
  Clock::duration Length(Clock::time_point now) const;
  // How often the gate has closed for an outage that a probe confirmed.
  int confirmed_outages() const { return confirmed_outages_; }

  // Closed because the store has no room.
  bool is_full() const { return full_; }
  // Lets one request through to a full store: its answer decides.
  void TryOne();

  // Nothing has been answered yet, and something waits for an answer.
  bool is_silent() const { return !ever_answered_ && failed_ == 0 && in_flight_ > 0; }

  static constexpr int kMaxFailures = 16, kMinFailures = 4;
  // 5xx of a store that is there: all of them for so long.
  static constexpr std::chrono::milliseconds kRefusalsFor{2000};
  static constexpr int kFirstAllowed = 8;

  static constexpr std::chrono::milliseconds kLongestInterval{2000}, kLongestWhileFull{15'000};

 private:
  bool Close();

  enum class State { kOpen, kClosed, kOpening };

  const bool from_the_start_;
  State state_ = State::kOpen;
  int in_flight_ = 0, most_in_flight_ = 0;
  int allowed_ = 0;                  // in flight, while opening
  int unanswered_ = 0, failed_ = 0;  // in a row
  bool ever_answered_ = false;       // of a store that was never there one failure says enough
  bool full_ = false;
  bool confirmed_ = false;
  int probes_ = 0;
  int confirmed_outages_ = 0;
  Clock::time_point first_failure_{};
};

}  // namespace s3
