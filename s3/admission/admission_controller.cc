#include "s3/admission/admission_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace s3 {
namespace {

using std::chrono::milliseconds;
using Outcome = CircuitBreaker::Outcome;
using Priority = WaitQueue::Priority;
using Purpose = WaitQueue::Purpose;
using State = WaitQueue::State;

// The leader checks at least this often whether the limits have changed.
constexpr milliseconds kMaxSleep{200};

}  // namespace

std::optional<AdmissionTicket> AdmissionController::Acquire(const Request& request,
                                                            const WaitContext& context) {
  const auto now = Clock::now();
  WaitQueue::Entry entry;
  {
    const MutexLock lock(mutex_);
    if (queue_.empty() && TryTake(request.bytes, now)) return AdmissionTicket(this);
    if (cancelled_) {
      if (!request.is_cleanup || breaker_.is_open()) return std::nullopt;
      Take(request.bytes);
      return AdmissionTicket(this);
    }
    entry.purpose = request.is_cleanup ? Purpose::kCleanup : Purpose::kRequest;
    entry.bytes = request.bytes;
    UpdateReason(now);
    queue_.Push(&entry, request.is_retry ? Priority::kRetry : Priority::kNew);
  }
  if (!AwaitTurn(&entry, context)) return std::nullopt;
  return AdmissionTicket(this);
}

bool AdmissionController::WaitOutOutage(const WaitContext& context) {
  WaitQueue::Entry entry{.purpose = Purpose::kOutageEnd};
  int outages_before = 0;
  {
    const MutexLock lock(mutex_);
    if (!breaker_.is_open() || cancelled_) return false;
    outages_before = breaker_.confirmed_outages();
    queue_.Push(&entry, Priority::kRetry);
  }
  if (!AwaitTurn(&entry, context)) return false;
  const MutexLock lock(mutex_);
  return breaker_.confirmed_outages() > outages_before;
}

AdmissionController::Delay AdmissionController::CurrentDelay() {
  const auto now = Clock::now();
  const MutexLock lock(mutex_);
  if (breaker_.is_full()) return Delay::kStoreFull;
  if (breaker_.is_open()) return Delay::kStoreAway;
  if (queue_.empty()) return Delay::kNone;
  UpdateRates(now);
  if (!requests_.Ready(now) || !bytes_.Ready(now)) return Delay::kUserLimits;
  return adaptive_.Ready(now) ? Delay::kNone : Delay::kThrottling;
}

bool AdmissionController::IsEstimatingRate() {
  const MutexLock lock(mutex_);
  return limiter_.IsEstimatingRate(Clock::now());
}

bool AdmissionController::IsLeader(const WaitQueue::Entry* entry) {
  const MutexLock lock(mutex_);
  return queue_.IsLeader(entry);
}

// Waits until the entry is resolved. If the entry becomes the leader, its task leads the queue meanwhile.
// Returns true if the entry was admitted.
bool AdmissionController::AwaitTurn(WaitQueue::Entry* entry, const WaitContext& context) {
  try {
    if (!IsLeader(entry)) Suspend(entry, context.waiter);
    if (IsLeader(entry)) LeadQueue(*entry, context);
  } catch (...) {  // no memory for a probe: another waiter must become the leader
    StopWaiting(entry);
    if (entry->is_request() && entry->state == State::kAdmitted) Release(Outcome::kCancelled, {});
    throw;
  }
  StopWaiting(entry);
  return entry->state == State::kAdmitted;
}

// Returns when the entry is resolved or leads the queue.
void AdmissionController::Suspend(WaitQueue::Entry* entry, Waiter* waiter) {
  const auto reason = [this, entry] {
    const MutexLock lock(mutex_);
    return entry->is_request() ? reason_ : SlotState::kOutage;
  };
  waiter->Wait(reason(), [this, entry](Wake wake) {
    {
      const MutexLock lock(mutex_);
      if (entry->state == State::kWaiting && !queue_.IsLeader(entry)) {
        entry->wake = wake;
        if (entry->is_request()) wake.WaitFor(reason_, Clock::now());  // it may have changed
        return;
      }
    }
    wake();
  });
}

// Removes the entry from the queue, so that its task may destroy it. If it was the leader, another entry
// becomes the leader.
void AdmissionController::StopWaiting(WaitQueue::Entry* entry) {
  std::optional<Wake> wake;
  {
    const MutexLock lock(mutex_);
    if (entry->state == State::kWaiting) queue_.Remove(entry);
    if (queue_.IsLeader(entry)) wake = queue_.ReplaceLeader();
  }
  if (wake) (*wake)();
}

// Serves all waiters until the leader itself is resolved. The leader waits in the queue like the others.
void AdmissionController::LeadQueue(const WaitQueue::Entry& leader, const WaitContext& context) {
  for (;;) {
    WaitQueue::Woken woken;
    Duty duty;
    {
      const MutexLock lock(mutex_);
      const auto now = Clock::now();
      AdmitReady(now, &woken);
      UpdateReason(now);
      duty = NextDuty(leader, now);
    }
    woken.WakeAll();
    if (duty.kind == Duty::Kind::kNone) return;
    context.pause(duty.delay, duty.reason);
    if (duty.kind == Duty::Kind::kProbe) Probe(duty, context);
  }
}

AdmissionController::Duty AdmissionController::NextDuty(const WaitQueue::Entry& leader,
                                                        Clock::time_point now) {
  if (leader.state != State::kWaiting) return {};
  if (breaker_.is_open())
    return {Duty::Kind::kProbe, breaker_.NextProbeDelay(), SlotState::kOutage, breaker_.is_full()};
  // While the breaker is half-open, each released ticket admits the next requests. This sleep is only a
  // safeguard.
  if (!breaker_.AllowsRequest()) return {Duty::Kind::kSleep, kMaxSleep, SlotState::kOutage};
  const auto until_ready = std::max({requests_.Until(now), bytes_.Until(now), adaptive_.Until(now)});
  const auto sleep = std::chrono::ceil<milliseconds>(until_ready);
  return {Duty::Kind::kSleep, std::clamp(sleep, milliseconds(1), kMaxSleep), reason_};
}

void AdmissionController::Probe(const Duty& duty, const WaitContext& context) {
  const bool is_back = !duty.is_full && context.probe();
  Announce(RecordProbe(duty.is_full, is_back));
}

AdmissionController::Announcement AdmissionController::RecordProbe(bool is_full, bool is_back) {
  const MutexLock lock(mutex_);
  if (cancelled_ || !breaker_.is_open()) return {};
  const auto length = std::chrono::duration_cast<milliseconds>(breaker_.OutageLength(Clock::now()));
  const bool is_new = length.count() == 0;  // no probe has failed yet
  const bool out_of_patience = hooks_.patience.count() > 0 && length > hooks_.patience && !gave_up_;
  if (is_full) {
    if (out_of_patience) return GiveUp();
    breaker_.AllowOne();
    return {};
  }
  if (is_back) {
    breaker_.OnProbeSucceeded();
    if (is_new) return {};
    const auto seconds = static_cast<double>(length.count()) / 1e3;
    return {.notice = fmt::format("the store answers again, after {:.1f} s", seconds)};
  }
  breaker_.OnProbeFailed();
  if (out_of_patience) return GiveUp();
  if (!is_new) return {};
  return {.notice =
              fmt::format("the store does not answer: {}; s3flow waits for it, {}", cause_, PatienceText())};
}

AdmissionController::Announcement AdmissionController::GiveUp() {
  gave_up_ = true;
  const auto* problem = breaker_.is_full() ? "has been full" : "has not answered";
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(hooks_.patience).count();
  return {.give_up_reason = fmt::format("the store {} for {} s: {}", problem, seconds, cause_)};
}

std::string AdmissionController::outage() const {
  const MutexLock lock(mutex_);
  if (breaker_.is_full()) return fmt::format("the store is full: {}", cause_);
  const bool is_confirmed = breaker_.OutageLength(Clock::now()).count() > 0;
  return is_confirmed ? fmt::format("the store does not answer: {}", cause_) : "";
}

void AdmissionController::Announce(const Announcement& announcement) const {
  if (!announcement.notice.empty() && hooks_.notice) hooks_.notice(announcement.notice);
  if (!announcement.give_up_reason.empty() && hooks_.give_up) hooks_.give_up(announcement.give_up_reason);
}

std::string AdmissionController::PatienceText() const {
  if (hooks_.patience.count() == 0) return "without a time limit";
  return fmt::format("at most {} s", std::chrono::ceil<std::chrono::seconds>(hooks_.patience).count());
}

void AdmissionController::NoticeIfSilent() {
  {
    const MutexLock lock(mutex_);
    if (cancelled_ || !breaker_.awaits_first_response()) return;
  }
  if (hooks_.notice) hooks_.notice("no answer from the store yet");
}

void AdmissionController::UpdateRates(Clock::time_point now) {
  const auto set = [now](TokenBucket* bucket, double rate) {
    if (bucket->rate() != rate) bucket->SetRate(rate, now);
  };
  const auto own_share = [this](const std::atomic<std::uint64_t>& limit) {
    return static_cast<double>(limit.load(std::memory_order_relaxed)) /
           limits_->sharers.load(std::memory_order_relaxed);
  };
  set(&requests_, own_share(limits_->requests_per_second));
  set(&bytes_, own_share(limits_->bytes_per_second));
  set(&adaptive_, limiter_.Limit(now));
}

bool AdmissionController::TryTake(std::uint64_t bytes, Clock::time_point now) {
  UpdateRates(now);
  if (!breaker_.AllowsRequest()) return false;
  if (!requests_.Ready(now) || !bytes_.Ready(now) || !adaptive_.Ready(now)) return false;
  Take(bytes);
  return true;
}

// Finds what the next request waits for: of several limits, the one that makes it wait longest. If that has
// changed, corrects the time accounts of the tasks that wait.
void AdmissionController::UpdateReason(Clock::time_point now) {
  auto reason = reason_;
  auto longest = Clock::duration::zero();
  const auto consider = [&](TokenBucket& bucket, SlotState state) {
    if (bucket.Ready(now) || bucket.Until(now) <= longest) return;
    longest = bucket.Until(now);
    reason = state;
  };
  consider(requests_, SlotState::kRequestRate);
  consider(bytes_, SlotState::kBandwidth);
  consider(adaptive_, SlotState::kThrottling);
  if (!breaker_.AllowsRequest()) reason = SlotState::kOutage;
  if (reason == reason_) return;
  reason_ = reason;
  queue_.ForEachSuspended([&](const WaitQueue::Entry& entry) {
    if (entry.is_request()) entry.wake->WaitFor(reason, now);
  });
}

void AdmissionController::Take(std::uint64_t bytes) {
  breaker_.OnSent();
  requests_.Take(1);
  adaptive_.Take(1);
  bytes_.Take(static_cast<double>(bytes));
}

// Admits waiters in order, until one of them has to wait longer.
void AdmissionController::AdmitReady(Clock::time_point now, WaitQueue::Woken* woken) {
  while (const auto* entry = queue_.front()) {
    const bool ready = entry->is_request() ? TryTake(entry->bytes, now) : !breaker_.is_open();
    if (!ready) return;
    queue_.ResolveFront(State::kAdmitted, woken);
  }
}

void AdmissionController::Release(Outcome outcome, std::string_view cause) {
  const auto now = Clock::now();
  WaitQueue::Woken woken;
  Announcement announcement;
  {
    const MutexLock lock(mutex_);
    announcement = RecordOutcome(outcome, cause, now);
    if (!queue_.empty() && !breaker_.is_open()) AdmitReady(now, &woken);
  }
  woken.WakeAll();
  Announce(announcement);
}

AdmissionController::Announcement AdmissionController::RecordOutcome(Outcome outcome, std::string_view cause,
                                                                     Clock::time_point now) {
  if (outcome == Outcome::kResponded || outcome == Outcome::kStored) limiter_.OnAccepted(now);
  if (outcome == Outcome::kThrottled) {
    limiter_.OnThrottled(now);
    ++throttled_;
  }
  const bool was_full = breaker_.is_full();
  const bool opened = breaker_.OnOutcome(outcome, now);
  if (opened) cause_ = cause;
  if (opened && breaker_.is_full()) {
    return {.notice = fmt::format("the store is full: {}; s3flow waits for room, {}", cause, PatienceText())};
  }
  if (was_full && !breaker_.is_full()) return {.notice = "the store has room again"};
  return {};
}

void AdmissionController::Cancel() {
  WaitQueue::Woken woken;
  {
    const MutexLock lock(mutex_);
    cancelled_ = true;
    while (const auto* entry = queue_.front()) {
      const bool admitted = entry->purpose == Purpose::kCleanup && !breaker_.is_open();
      if (admitted) Take(entry->bytes);
      queue_.ResolveFront(admitted ? State::kAdmitted : State::kRejected, &woken);
    }
  }
  woken.WakeAll();
}

}  // namespace s3
