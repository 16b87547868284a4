// Counts the time of the slots that no task holds.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "s3/base/slot_time.h"
#include "s3/base/waiter.h"

namespace pipeline {

// All idle slots are in the same state at a time: the state that the source is in. The source changes it,
// while tasks return slots at the same time. Lock-free, any thread.
class IdleSlots {
 public:
  using Clock = s3::SlotTime::Clock;

  // `slot_time` is not owned.
  explicit IdleSlots(s3::SlotTime* slot_time) : slot_time_(slot_time) {}

  void Add(int slots, Clock::time_point now) {
    slot_time_->Enter(StateOf(word_.fetch_add(Units(slots))), slots, now);
  }
  void Remove(int slots, Clock::time_point now) {
    slot_time_->Leave(StateOf(word_.fetch_sub(Units(slots))), slots, now);
  }
  // Moves all idle slots to `state`.
  void SetState(s3::SlotState state) {
    auto old = word_.load();
    if (StateOf(old) == state) return;
    while (!word_.compare_exchange_weak(old, (old & ~kStateMask) | static_cast<std::int64_t>(state)))
      continue;
    const auto slots = static_cast<int>(old / (kStateMask + 1));
    const auto now = Clock::now();
    slot_time_->Leave(StateOf(old), slots, now);
    slot_time_->Enter(state, slots, now);
  }

 private:
  // The state is in the low 8 bits, the number of slots above.
  static constexpr std::int64_t kStateMask = 0xff;
  static std::int64_t Units(int slots) { return slots * (kStateMask + 1); }
  static s3::SlotState StateOf(std::int64_t word) { return static_cast<s3::SlotState>(word & kStateMask); }

  s3::SlotTime* const slot_time_;
  std::atomic<std::int64_t> word_{static_cast<std::int64_t>(s3::SlotState::kSource)};
};

// The waiter of the source: while it waits, the idle slots wait for the same.
class SourceWaiter final : public s3::Waiter {
 public:
  // Owns none of its arguments. `waiter` must not count time.
  SourceWaiter(s3::Waiter* waiter, IdleSlots* idle) : waiter_(waiter), idle_(idle) {}

  void Wait(s3::SlotState reason, const std::function<void(s3::Wake)>& start) override {
    idle_->SetState(reason);
    waiter_->Wait(reason, start);
    idle_->SetState(s3::SlotState::kSource);
  }

 private:
  s3::Waiter* const waiter_;
  IdleSlots* const idle_;
};

}  // namespace pipeline
