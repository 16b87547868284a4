#include "s3/admission/admission_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace s3 {
namespace {

using std::chrono::milliseconds;

// Limits may rise while somebody waits for them.
constexpr milliseconds kLongestSleep{200};

}  // namespace

void AdmissionController::ReadLimits(Clock::time_point now) {
  const auto set = [now](TokenBucket* bucket, double rate) {
    if (bucket->rate() != rate) bucket->SetRate(rate, now);
  };
  const auto ours = [this](const std::atomic<std::uint64_t>& limit) {
    return static_cast<double>(limit.load(std::memory_order_relaxed)) /
           limits_->sharers.load(std::memory_order_relaxed);
  };
  set(&requests_, ours(limits_->requests_per_second));
  set(&bytes_, ours(limits_->bytes_per_second));
  set(&paced_, pace_.Limit(now));
}

bool AdmissionController::TryTake(std::uint64_t bytes, Clock::time_point now) {
  ReadLimits(now);
  if (!outage_.MayEnter() || !requests_.Ready(now) || !bytes_.Ready(now) || !paced_.Ready(now)) return false;
  Take(bytes);
  return true;
}

void AdmissionController::Take(std::uint64_t bytes) {
  outage_.Entered();
  requests_.Take(1);
  paced_.Take(1);
  bytes_.Take(static_cast<double>(bytes));
}

bool AdmissionController::Enter(const Request& request, const Body& body) {
  const auto now = Clock::now();
  std::unique_lock lock(mutex_);
  if (nobody_waits() && TryTake(request.bytes, now)) return true;
  if (cancelled_) {
    if (!request.finishes || outage_.closed()) return false;
    Take(request.bytes);
    return true;
  }
  Entry entry{request.bytes, true, request.finishes};
  return Wait(&entry, request.again, body, std::move(lock));
}

bool AdmissionController::SitOut(const Body& body) {
  std::unique_lock lock(mutex_);
  if (!outage_.closed() || cancelled_) return false;
  const int before = outage_.confirmed_outages();
  Entry entry{0, false};
  if (!Wait(&entry, true, body, std::move(lock))) return false;
  lock = std::unique_lock(mutex_);
  return outage_.confirmed_outages() > before;
}

bool AdmissionController::IsSearching() {
  std::lock_guard lock(mutex_);
  return pace_.IsSearching(Clock::now());
}

bool AdmissionController::Wait(Entry* entry, bool again, const Body& body,
                               std::unique_lock<std::mutex> lock) {
  waiting_[again ? 0 : 1].push_back(entry);
  entry->keeps_time = !std::exchange(time_is_kept_, true);
  while (!entry->settled && !entry->keeps_time) {
    lock.unlock();
    body.waiter->Wait([this, entry](Wake wake) {
      {
        std::lock_guard guard(mutex_);
        if (!entry->settled && !entry->keeps_time) {
          entry->wake = wake;
          return;
        }
      }
      wake();
    });
    lock.lock();
  }
  Wakes woken;
  if (entry->keeps_time) {
    KeepTime(entry, body, &lock);
    PassTimeOn(&woken);
  }
  const bool admitted = entry->admitted;
  lock.unlock();
  for (const auto& wake : woken) wake();
  return admitted;
}

// Until the body's own turn has come; it is in the queue like the others.
void AdmissionController::KeepTime(Entry* entry, const Body& body, std::unique_lock<std::mutex>* lock) {
  while (!entry->settled) {
    Wakes woken;
    LetThrough(Clock::now(), &woken);
    if (entry->settled || !woken.empty()) {
      lock->unlock();
      for (const auto& wake : woken) wake();
      lock->lock();
      continue;
    }
    if (outage_.closed()) {
      Probe(body, lock);
      continue;
    }
    const auto now = Clock::now();
    const auto until = std::max({requests_.Until(now), bytes_.Until(now), paced_.Until(now)});
    // While the gate opens, answers let the next ones through; the time is a safeguard only.
    const auto sleep = outage_.MayEnter() ? std::chrono::ceil<milliseconds>(until) : kLongestSleep;
    lock->unlock();
    body.pause(std::clamp(sleep, milliseconds(1), kLongestSleep));
    lock->lock();
  }
}

void AdmissionController::Probe(const Body& body, std::unique_lock<std::mutex>* lock) {
  const auto interval = outage_.ProbeInterval();
  const bool full = outage_.is_full();
  lock->unlock();
  body.pause(interval);
  const bool back = !full && body.probe();
  lock->lock();
  const auto now = Clock::now();
  if (cancelled_ || !outage_.closed()) return;
  const auto length = std::chrono::duration_cast<milliseconds>(outage_.Length(now));
  const bool over = hooks_.patience.count() > 0 && length > hooks_.patience && !gave_up_;
  if (full) {
    if (over) return Tell("", true, lock);
    return outage_.TryOne();
  }
  if (back) {
    outage_.ProbeAnswered();
    if (length.count() == 0) return;
    const auto seconds = static_cast<double>(length.count()) / 1e3;
    return Tell(fmt::format("the store answers again, after {:.1f} s", seconds), false, lock);
  }
  outage_.ProbeFailed();
  if (length.count() > 0) return Tell("", over, lock);
  Tell(fmt::format("the store does not answer: {}; s3flow waits for it, {}", cause_, PatienceText()), false,
       lock);
}

// Both hooks are called without the lock.
void AdmissionController::Tell(const std::string& notice, bool give_up, std::unique_lock<std::mutex>* lock) {
  gave_up_ = gave_up_ || give_up;
  const auto last =
      fmt::format("the store {} for {} s: {}", outage_.is_full() ? "has been full" : "has not answered",
                  std::chrono::ceil<std::chrono::seconds>(hooks_.patience).count(), cause_);
  lock->unlock();
  if (!notice.empty() && hooks_.notice) hooks_.notice(notice);
  if (give_up && hooks_.give_up) hooks_.give_up(last);
  lock->lock();
}

std::string AdmissionController::PatienceText() const {
  if (hooks_.patience.count() == 0) return "as long as it takes";
  return fmt::format("at most {} s", std::chrono::ceil<std::chrono::seconds>(hooks_.patience).count());
}

void AdmissionController::SayWhenSilent() {
  {
    std::lock_guard lock(mutex_);
    if (cancelled_ || !outage_.is_silent()) return;
  }
  if (hooks_.notice) hooks_.notice("no answer from the store yet");
}

void AdmissionController::LetThrough(Clock::time_point now, Wakes* woken) {
  for (auto& queue : waiting_) {
    while (!queue.empty()) {
      Entry* const entry = queue.front();
      if (!entry->takes_part && !outage_.closed()) {
        queue.pop_front();
        Settle(entry, true, woken);
      } else if (entry->takes_part && TryTake(entry->bytes, now)) {
        queue.pop_front();
        Settle(entry, true, woken);
      } else {
        return;
      }
    }
  }
}

// The entry is gone once its body is woken: it lives in the body's frame.
void AdmissionController::Settle(Entry* entry, bool admitted, Wakes* woken) {
  entry->settled = true;
  entry->admitted = admitted;
  if (entry->wake) woken->push_back(*entry->wake);
}

void AdmissionController::PassTimeOn(Wakes* woken) {
  time_is_kept_ = false;
  for (const auto& queue : waiting_) {
    if (queue.empty()) continue;
    Entry* const next = queue.front();
    time_is_kept_ = next->keeps_time = true;
    if (next->wake) woken->push_back(*std::exchange(next->wake, std::nullopt));
    return;
  }
}

void AdmissionController::Left(CircuitBreaker::Outcome answer, std::string_view cause) {
  const auto now = Clock::now();
  Wakes woken;
  std::string notice;
  {
    std::lock_guard lock(mutex_);
    if (answer == CircuitBreaker::Outcome::kGood || answer == CircuitBreaker::Outcome::kStored)
      pace_.Accepted(now);
    if (answer == CircuitBreaker::Outcome::kRefused) {
      pace_.Refused(now);
      ++refused_;
    }
    const bool was_full = outage_.is_full();
    if (outage_.Left(answer, now)) {
      cause_ = cause;
      if (outage_.is_full())
        notice = fmt::format("the store is full: {}; s3flow waits for room, {}", cause, PatienceText());
    }
    if (was_full && !outage_.is_full()) notice = "the store has room again";
    if (!nobody_waits() && !outage_.closed()) LetThrough(now, &woken);
  }
  for (const auto& wake : woken) wake();
  if (!notice.empty() && hooks_.notice) hooks_.notice(notice);
}

void AdmissionController::Cancel() {
  Wakes woken;
  {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (auto& queue : waiting_) {
      for (Entry* const entry : queue) {
        const bool leaves = entry->takes_part && entry->finishes && !outage_.closed();
        if (leaves) Take(entry->bytes);
        Settle(entry, leaves, &woken);
      }
      queue.clear();
    }
  }
  for (const auto& wake : woken) wake();
}

}  // namespace s3
