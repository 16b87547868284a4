// Decides when a request may be sent. Combines the user's rate limits, the rate that the store accepts, and a
// circuit breaker for outages.
//
//   RateLimits limits;                       // no limits yet; may be changed at any time
//   AdmissionController admission(&limits, {});
//   auto ticket = admission.Acquire({.bytes = body.size()}, context);  // waits
//   if (!ticket) return;                     // the run is stopping
//   ticket->Release(CircuitBreaker::Outcome::kStored);                  // how the request ended
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "s3/admission/adaptive_rate_limiter.h"
#include "s3/admission/circuit_breaker.h"
#include "s3/admission/wait_queue.h"
#include "s3/base/mutex.h"
#include "s3/base/slot_time.h"
#include "s3/base/token_bucket.h"
#include "s3/base/waiter.h"

namespace s3 {

// The user's rate limits. Any thread may change them while requests are made. 0 means no limit.
struct RateLimits {
  std::atomic<std::uint64_t> bytes_per_second{0};  // of request bodies
  std::atomic<std::uint64_t> requests_per_second{0};
  std::atomic<int> sharers{1};  // the number of processes that share the limits equally
};

struct AdmissionHooks {
  // Receives one line when the store is away or full, and one when it is back or has room again. Must not
  // wait.
  std::function<void(std::string_view)> notice = nullptr;
  // Ends the run for the given reason. Called when the store has been away or full for longer than
  // `patience`.
  std::function<void(std::string)> give_up = nullptr;
  std::chrono::milliseconds patience{0};  // 0 means unlimited
  bool opens_on_first_failure = false;    // see CircuitBreaker
};

class AdmissionController;

// Permission to have one request in flight. If a ticket is destroyed before Release(), for example by an
// exception, its request is treated as cancelled.
class [[nodiscard]] AdmissionTicket {
 public:
  AdmissionTicket(AdmissionTicket&& other) noexcept
      : controller_(std::exchange(other.controller_, nullptr)) {}
  AdmissionTicket& operator=(AdmissionTicket&&) = delete;
  ~AdmissionTicket() {
    if (controller_ != nullptr) Release(CircuitBreaker::Outcome::kCancelled);
  }

  // Call it once, when the request has ended. `cause` says in words what went wrong; it is used only for
  // failures.
  void Release(CircuitBreaker::Outcome outcome, std::string_view cause = {});

 private:
  friend class AdmissionController;
  explicit AdmissionTicket(AdmissionController* controller) : controller_(controller) {}

  AdmissionController* controller_;  // null once released
};

// Thread-safe; one for all clients of a run. Admits waiting requests in the order of their arrival; retries
// go before new requests. One of the waiting tasks is the leader: it runs the timer and probes the store for
// the others.
class AdmissionController {
 public:
  using Clock = std::chrono::steady_clock;

  // How the calling task waits.
  struct WaitContext {
    Waiter* waiter;
    // Waits, for the given reason. Returns early when the run is stopping.
    std::function<void(std::chrono::milliseconds, SlotState)> pause;
    std::function<bool()> probe;  // sends a request; true when the store responds
  };

  // `limits` is not owned.
  AdmissionController(const RateLimits* limits, AdmissionHooks hooks)
      : limits_(limits), hooks_(std::move(hooks)), breaker_(hooks_.opens_on_first_failure) {}

  struct Request {
    std::uint64_t bytes = 0;  // of its body
    bool is_retry = false;    // was sent before
    // True for a request that removes data that would otherwise stay in the store. While the run is stopping,
    // such a request does not wait for the rate limits, but uses up their tokens. It is still rejected while
    // the store is away or full.
    bool is_cleanup = false;
  };
  // Waits until the request may be sent. If the run is stopping and the request would have to wait, returns
  // nothing.
  [[nodiscard]] std::optional<AdmissionTicket> Acquire(const Request& request, const WaitContext& context);

  // Call it after a failed attempt. Waits while the breaker is open. Returns true when the store was away and
  // is back, or was full and is to be tried again: the failure then shows nothing about the request.
  bool WaitOutOutage(const WaitContext& context);

  // Returns true while the rate that the store accepts is being estimated. Throttling is then not the
  // request's fault.
  bool IsEstimatingRate();

  // Call it when the run is stopping. Admits the waiting cleanups, unless the store is away or full, and
  // rejects all other waiting requests. From then on no request waits: each one is admitted at once, or
  // rejected.
  void Cancel();

  // Sends a notice if requests are in flight and no request has received a response or failed yet.
  void NoticeIfSilent();

  // Describes a confirmed outage or a full store, for a person. Returns an empty text otherwise.
  std::string outage() const;
  // Why requests wait at the moment.
  enum class Delay {
    kNone,        // no request waits for admission
    kStoreAway,   // the circuit breaker is open
    kStoreFull,   // the store has no room
    kUserLimits,  // RateLimits
    kThrottling,  // the rate that the store accepts
  };
  Delay CurrentDelay();

  // Returns the number of responses that asked for fewer requests.
  std::uint64_t throttled() const { return throttled_; }

 private:
  friend class AdmissionTicket;

  // The next step of the leader. The leader decides it while it holds the lock, and takes it after it has
  // released the lock.
  struct Duty {
    enum class Kind { kNone, kSleep, kProbe };
    Kind kind = Kind::kNone;  // kNone: the leader itself was admitted or rejected
    std::chrono::milliseconds delay{0};
    SlotState reason = SlotState::kOutage;  // for the delay
    bool is_full = false;
  };
  // Messages for the user. A caller fills them in while it holds the lock, and reports them after it has
  // released the lock. It does not report empty texts.
  struct Announcement {
    std::string notice{}, give_up_reason{};
  };

  bool AwaitTurn(WaitQueue::Entry* entry, const WaitContext& context);
  void Suspend(WaitQueue::Entry* entry, Waiter* waiter);
  void StopWaiting(WaitQueue::Entry* entry);
  void LeadQueue(const WaitQueue::Entry& leader, const WaitContext& context);
  void Probe(const Duty& duty, const WaitContext& context);
  Announcement RecordProbe(bool is_full, bool is_back);
  void Announce(const Announcement& announcement) const;
  void Release(CircuitBreaker::Outcome outcome, std::string_view cause);
  bool IsLeader(const WaitQueue::Entry* entry);

  // With the lock held:
  Duty NextDuty(const WaitQueue::Entry& leader, Clock::time_point now) S3_REQUIRES(mutex_);
  void AdmitReady(Clock::time_point now, WaitQueue::Woken* woken) S3_REQUIRES(mutex_);
  bool TryTake(std::uint64_t bytes, Clock::time_point now) S3_REQUIRES(mutex_);
  void Take(std::uint64_t bytes) S3_REQUIRES(mutex_);
  void UpdateReason(Clock::time_point now) S3_REQUIRES(mutex_);
  void UpdateRates(Clock::time_point now) S3_REQUIRES(mutex_);
  Announcement GiveUp() S3_REQUIRES(mutex_);
  Announcement RecordOutcome(CircuitBreaker::Outcome outcome, std::string_view cause, Clock::time_point now)
      S3_REQUIRES(mutex_);

  std::string PatienceText() const;

  const RateLimits* const limits_;
  const AdmissionHooks hooks_;
  mutable Mutex mutex_;
  CircuitBreaker breaker_ S3_GUARDED_BY(mutex_);
  AdaptiveRateLimiter limiter_ S3_GUARDED_BY(mutex_);
  TokenBucket requests_ S3_GUARDED_BY(mutex_), bytes_ S3_GUARDED_BY(mutex_);  // the user's limits
  TokenBucket adaptive_ S3_GUARDED_BY(mutex_);  // the rate that the store accepts
  WaitQueue queue_ S3_GUARDED_BY(mutex_);
  SlotState reason_ S3_GUARDED_BY(mutex_) = SlotState::kRequestRate;  // why the queue waits
  bool cancelled_ S3_GUARDED_BY(mutex_) = false;
  bool gave_up_ S3_GUARDED_BY(mutex_) = false;
  std::string cause_ S3_GUARDED_BY(mutex_);  // why the breaker opened
  std::atomic<std::uint64_t> throttled_{0};
};

inline void AdmissionTicket::Release(CircuitBreaker::Outcome outcome, std::string_view cause) {
  std::exchange(controller_, nullptr)->Release(outcome, cause);
}

}  // namespace s3
