// When a request may leave: rate limits, the rate that the store takes, and a gate for when it is away.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/admission/adaptive_rate_limiter.h"
#include "s3/admission/circuit_breaker.h"
#include "s3/base/token_bucket.h"
#include "s3/base/waiter.h"

namespace s3 {

// Limits that may be changed while requests are made, from any thread. 0 for none.
struct RateLimits {
  std::atomic<std::uint64_t> bytes_per_second{0};  // of bodies
  std::atomic<std::uint64_t> requests_per_second{0};
  std::atomic<int> sharers{1};  // processes, each of which takes an equal part of the limits
};

struct AdmissionHooks {
  // Told in one line when the store is away or full, and when that is over; must not wait.
  std::function<void(std::string_view)> notice = nullptr;
  // The store has been away or full for longer than `patience`: ends the run; is told what to say.
  std::function<void(std::string)> give_up = nullptr;
  std::chrono::milliseconds patience{0};
  bool from_the_start = false;  // see CircuitBreaker
};

// Thread-safe; one for all clients of a run. Bodies wait in their own order, those that try again before
// those that are new. One of those that wait keeps the time for all, and asks whether the store is back.
class AdmissionController {
 public:
  using Clock = std::chrono::steady_clock;

  // How a body waits.
  struct Body {
    Waiter* waiter;
    std::function<void(std::chrono::milliseconds)> pause;  // returns early when the run is stopping
    std::function<bool()> probe;                           // asks the store; true when it answers
  };

  // `limits` is not owned.
  AdmissionController(const RateLimits* limits, AdmissionHooks hooks)
      : limits_(limits), hooks_(std::move(hooks)), outage_(hooks_.from_the_start) {}

  struct Request {
    std::uint64_t bytes = 0;  // of its body
    bool again = false;       // was sent before
    // Leaves without waiting when the run is stopping: it takes away what nobody else would. The limits are
    // owed what it takes.
    bool finishes = false;
  };
  // Returns when the request may leave; Left follows then. False, and nothing follows, when it would have to
  // wait and the run is stopping.
  bool Enter(const Request& request, const Body& body);
  // `cause`: what went wrong, in words; of a failure only.
  void Left(CircuitBreaker::Outcome answer, std::string_view cause = {});

  // After an attempt that failed: waits while the store is away. True when it was, so that the attempt says
  // nothing about its request.
  bool SitOut(const Body& body);

  // Whether what the store takes was not known until just now: a refusal is then no fault of its request.
  bool IsSearching();

  // Nobody waits any more, from now on: the run is stopping. What waits is not sent. Requests that need not
  // wait still leave.
  void Cancel();

  // Notes that the store is silent: requests are under way, and none has had an answer or failed.
  void SayWhenSilent();

  std::uint64_t refused() const { return refused_; }  // answers that asked for less

 private:
  struct Entry {
    std::uint64_t bytes;
    bool takes_part;  // leaves when it is let through; else it waits for the gate only
    bool finishes = false;
    bool settled = false, admitted = false;
    bool keeps_time = false;
    std::optional<Wake> wake{};
  };
  using Wakes = std::vector<Wake>;

  bool Wait(Entry* entry, bool again, const Body& body, std::unique_lock<std::mutex> lock);
  void KeepTime(Entry* entry, const Body& body, std::unique_lock<std::mutex>* lock);
  void Probe(const Body& body, std::unique_lock<std::mutex>* lock);
  void Tell(const std::string& notice, bool give_up, std::unique_lock<std::mutex>* lock);
  std::string PatienceText() const;
  bool TryTake(std::uint64_t bytes, Clock::time_point now);
  void Take(std::uint64_t bytes);
  void LetThrough(Clock::time_point now, Wakes* woken);
  void Settle(Entry* entry, bool admitted, Wakes* woken);
  void PassTimeOn(Wakes* woken);
  void ReadLimits(Clock::time_point now);
  bool nobody_waits() const { return waiting_[0].empty() && waiting_[1].empty(); }

  const RateLimits* const limits_;
  const AdmissionHooks hooks_;
  std::mutex mutex_;
  CircuitBreaker outage_;
  AdaptiveRateLimiter pace_;
  TokenBucket requests_, bytes_, paced_;
  std::array<std::deque<Entry*>, 2> waiting_;  // those that try again, those that are new
  bool time_is_kept_ = false;
  bool cancelled_ = false;
  bool gave_up_ = false;
  std::string cause_;  // of the gate's closing
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace s3
