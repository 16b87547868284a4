#include "pipeline/graph/concurrency_controller.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pipeline {
namespace {

constexpr int kSlowStartGrowth = 3;        // slots that a fast task of one slot adds
constexpr double kMaxRefusedShare = 0.02;  // maximum number of refusals per slot that returned in a round
constexpr double kBackOffFactor = 0.7;
constexpr double kOldWeight = 0.7, kNewWeight = 0.3;  // smooth the goodput over rounds
constexpr double kBytesPerSlot = 1 << 20;
constexpr int kMinLargeTasks = 4;  // this number of large tasks may be in flight at any limit

}  // namespace

ConcurrencyController::ConcurrencyController(const SlotLimits& limits, Clock::time_point now)
    : limits_(limits),
      circulation_(limits.first),
      limit_(limits.first),
      state_(SlowStart{}),
      schedule_(now),
      series_(limits.first, now) {}

int ConcurrencyController::WeightOf(std::uint64_t bytes) const {
  if (limits_.fixed()) return 1;
  const auto weight = std::llround(std::min(static_cast<double>(bytes) / kBytesPerSlot, 1e6));
  const int at_start = limits_.first / limits_.first_large;
  const int max_weight = std::max(1, std::min(at_start, circulation_ / kMinLargeTasks));
  return std::clamp<int>(static_cast<int>(weight), 1, max_weight);
}

int ConcurrencyController::Return(const Returned& task, std::uint64_t refusals, Clock::time_point now) {
  if (limits_.fixed()) return task.slots;
  const Event event{task, refusals, now};
  auto next = std::visit([&](auto& state) { return Handle(&state, event); }, state_);
  if (next) state_ = std::move(*next);
  const int change = std::max(limit_ - circulation_, -task.slots);
  circulation_ += change;
  return task.slots + change;
}

ConcurrencyController::Transition ConcurrencyController::Handle(SlowStart* state, const Event& event) {
  const auto& task = event.task;
  if (event.refusals > refusals_seen_) return BackOff(event);
  if (!task.undisturbed) return std::nullopt;
  if (state->latency.IsFast(task.bytes, task.took)) {
    state->slow_slots = 0;
    // A large task adds fewer slots than it holds, because a few large requests fill a network line, and each
    // of them needs much memory.
    const int growth = task.slots == 1 ? kSlowStartGrowth : std::max(1, task.slots / 4);
    SetLimit(limit_ + growth, event.now);
    return std::nullopt;
  }
  state->slow_slots += task.slots;
  if (state->slow_slots < std::max(limits_.least, limit_ / 4)) return std::nullopt;
  schedule_.StartNow(event.now);
  return Steady{GoodputMeter(event.now)};
}

ConcurrencyController::Transition ConcurrencyController::Handle(Steady* state, const Event& event) {
  if (!state->meter.Add(event.task, circulation_, schedule_.min_round(), event.now)) return std::nullopt;
  if (WasRefused(state->meter, event.refusals)) return BackOff(event);
  const double rate = state->meter.Rate(event.now);
  state->rate = state->rate > 0 ? kOldWeight * state->rate + kNewWeight * rate : rate;
  state->meter.Restart(event.now);
  if (!schedule_.IsDue(event.now)) return std::nullopt;
  return StartProbe(state->rate, event.now);
}

ConcurrencyController::Transition ConcurrencyController::Handle(Probe* state, const Event& event) {
  if (!state->meter.Add(event.task, circulation_, schedule_.min_round(), event.now)) return std::nullopt;
  if (WasRefused(state->meter, event.refusals)) return BackOff(event);
  const double rate = state->meter.Rate(event.now);
  if (schedule_.Pays(rate, state->base_rate)) {
    schedule_.OnKept();
    return StartProbe(rate, event.now);
  }
  schedule_.OnRejected(rate, state->base_rate, event.now);
  SetLimit(state->base_limit, event.now);
  return Steady{GoodputMeter(event.now), state->base_rate};
}

// Returns true if there were more than kMaxRefusedShare refusals for each slot that returned in this round.
// `refusals`: of the whole run. Only those since the last call or back-off count.
bool ConcurrencyController::WasRefused(const GoodputMeter& round, std::uint64_t refusals) {
  const auto refused = static_cast<double>(refusals - std::exchange(refusals_seen_, refusals));
  return refused > kMaxRefusedShare * static_cast<double>(round.returned_slots());
}

ConcurrencyController::State ConcurrencyController::BackOff(const Event& event) {
  refusals_seen_ = event.refusals;
  schedule_.OnBackOff(event.now);
  SetLimit(static_cast<int>(kBackOffFactor * limit_), event.now);
  return Steady{GoodputMeter(event.now)};
}

ConcurrencyController::State ConcurrencyController::StartProbe(double base_rate, Clock::time_point now) {
  const int base_limit = limit_;
  SetLimit(schedule_.Target(base_limit), now);
  if (limit_ != base_limit) return Probe{GoodputMeter(now), base_rate, base_limit};
  schedule_.OnNoRoom(now);
  return Steady{GoodputMeter::Counting(now), base_rate};
}

void ConcurrencyController::SetLimit(int limit, Clock::time_point now) {
  limit_ = std::clamp(limit, limits_.least, limits_.most);
  series_.Add(limit_, now);
}

}  // namespace pipeline
