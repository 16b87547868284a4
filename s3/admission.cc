#include "s3/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace s3 {
namespace {

using std::chrono::milliseconds;

// Limits may rise while somebody waits for them.
constexpr milliseconds kLongestSleep{200};

}  // namespace

void Admission::ReadLimits(Clock::time_point now) {
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

bool Admission::TryTake(std::uint64_t bytes, Clock::time_point now) {
  ReadLimits(now);
  if (!outage_.MayEnter() || !requests_.Ready(now) || !bytes_.Ready(now) || !paced_.Ready(now)) return false;
  outage_.Entered();
  requests_.Take(1);
  paced_.Take(1);
  bytes_.Take(static_cast<double>(bytes));
  return true;
}

bool Admission::Enter(std::uint64_t bytes, bool again, const Body& body) {
  const auto now = Clock::now();
  std::unique_lock lock(mutex_);
  if (nobody_waits() && TryTake(bytes, now)) return true;
  if (cancelled_) {  // limits are not for what is ending
    if (outage_.closed()) return false;
    outage_.Entered();
    return true;
  }
  Entry entry{bytes, true};
  return Wait(&entry, again, body, std::move(lock));
}

bool Admission::SitOut(const Body& body) {
  std::unique_lock lock(mutex_);
  if (!outage_.closed() || cancelled_) return false;
  const int before = outage_.confirmed_outages();
  Entry entry{0, false};
  if (!Wait(&entry, true, body, std::move(lock))) return false;
  lock = std::unique_lock(mutex_);
  return outage_.confirmed_outages() > before;
}

bool Admission::IsSearching() {
  std::lock_guard lock(mutex_);
  return pace_.IsSearching(Clock::now());
}

bool Admission::Wait(Entry* entry, bool again, const Body& body, std::unique_lock<std::mutex> lock) {
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
void Admission::KeepTime(Entry* entry, const Body& body, std::unique_lock<std::mutex>* lock) {
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

void Admission::Probe(const Body& body, std::unique_lock<std::mutex>* lock) {
  const auto interval = outage_.ProbeInterval();
  lock->unlock();
  body.pause(interval);
  const bool back = body.probe();
  lock->lock();
  const auto now = Clock::now();
  if (cancelled_ || !outage_.closed()) return;
  std::string notice;
  bool give_up = false;
  if (back) {
    const auto length = std::chrono::duration_cast<milliseconds>(outage_.Length(now));
    if (length.count() > 0) {
      notice =
          fmt::format("the store answers again, after {:.1f} s", static_cast<double>(length.count()) / 1e3);
    }
    outage_.ProbeAnswered();
  } else {
    if (outage_.Length(now) == Clock::duration::zero()) {
      notice = "the store does not answer: waiting for it";
    }
    outage_.ProbeFailed();
    give_up = hooks_.patience.count() > 0 && outage_.Length(now) > hooks_.patience &&
              !std::exchange(gave_up_, true);
  }
  lock->unlock();
  if (!notice.empty() && hooks_.notice) hooks_.notice(notice);
  if (give_up && hooks_.give_up) hooks_.give_up();
  lock->lock();
}

void Admission::LetThrough(Clock::time_point now, Wakes* woken) {
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
void Admission::Settle(Entry* entry, bool admitted, Wakes* woken) {
  entry->settled = true;
  entry->admitted = admitted;
  if (entry->wake) woken->push_back(*entry->wake);
}

void Admission::PassTimeOn(Wakes* woken) {
  time_is_kept_ = false;
  for (const auto& queue : waiting_) {
    if (queue.empty()) continue;
    Entry* const next = queue.front();
    time_is_kept_ = next->keeps_time = true;
    if (next->wake) woken->push_back(*std::exchange(next->wake, std::nullopt));
    return;
  }
}

void Admission::Left(Outage::Answer answer) {
  const auto now = Clock::now();
  Wakes woken;
  {
    std::lock_guard lock(mutex_);
    if (answer == Outage::Answer::kGood) pace_.Accepted(now);
    if (answer == Outage::Answer::kRefused) {
      pace_.Refused(now);
      ++refused_;
    }
    outage_.Left(answer, now);
    if (!nobody_waits() && !outage_.closed()) LetThrough(now, &woken);
  }
  for (const auto& wake : woken) wake();
}

void Admission::Cancel() {
  Wakes woken;
  {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (auto& queue : waiting_) {
      for (Entry* const entry : queue) {
        const bool leaves = entry->takes_part && !outage_.closed();
        if (leaves) outage_.Entered();
        Settle(entry, leaves, &woken);
      }
      queue.clear();
    }
  }
  for (const auto& wake : woken) wake();
}

}  // namespace s3
