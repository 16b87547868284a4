#include "pipeline/graph/concurrency_controller.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "pipeline/runtime/resource_limits.h"

namespace pipeline {
namespace {

using std::chrono::milliseconds;

constexpr double kFast = 1.5;     // times the fastest
constexpr int kAscentFactor = 3;  // slots that come with each that returns fast
// A trial of more slots, and what it must make of goodput to be kept. The first ones are large and quick, as
// long as they pay: where latencies differ by themselves, the ascent ends early.
struct StepUp {
  milliseconds shortest_round;
  double factor, worth;
};
constexpr StepUp kFirst{milliseconds(100), 2, 1.5}, kLater{milliseconds(250), 1.25, 1.05};
constexpr double kStepDown = 0.8, kNotLess = 0.98;
constexpr milliseconds kFirstPatience{1000}, kLongestPatience{15'000};
constexpr double kRefusedShare = 0.02;  // of a round
constexpr double kBackOff = 0.7;
constexpr double kMib = 1 << 20;
// Large tasks to begin with. Digests want several for each core (s3/hash/hash_lanes.h), a line wants some.
constexpr int kFewLarge = 16, kLargeOfACore = 2, kManyLarge = 32;

const StepUp& StepOf(bool climbing) { return climbing ? kFirst : kLater; }

double Seconds(ConcurrencyController::Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

SlotLimits SlotLimitsOf(const UploadOptions& options) {
  const int n = options.concurrency;
  if (n != UploadOptions::kAuto) return {n, n, n};
#ifdef S3FLOW_BLOCKING_WAITER
  constexpr SlotLimits kAdaptive{.first = 16, .most = 64};  // each blocks a thread
#else
  constexpr SlotLimits kAdaptive{};
#endif
  auto limits = kAdaptive;
  limits.first_large = std::clamp(kLargeOfACore * CoresOf(options), kFewLarge, kManyLarge);
  return limits;
}

ConcurrencyController::ConcurrencyController(const SlotLimits& limits, Clock::time_point now)
    : limits_(limits),
      began_(now),
      circulation_(limits.first),
      wanted_(limits.first),
      round_began_(now),
      patience_(kFirstPatience),
      next_trial_(now) {
  fastest_.fill(Clock::duration::max());
  series_.emplace_back(0.0, limits.first);
}

int ConcurrencyController::WeightOf(std::uint64_t bytes) const {
  if (limits_.fixed()) return 1;
  const auto weight = std::llround(std::min(static_cast<double>(bytes) / kMib, 1e6));
  const int most = std::min(limits_.first / limits_.first_large, circulation_ / 4);
  return std::clamp<int>(static_cast<int>(weight), 1, std::max(1, most));
}

int ConcurrencyController::Return(const Returned& task, std::uint64_t refused, Clock::time_point now) {
  if (limits_.fixed()) return task.slots;
  returned_ += task.slots;
  // What a task is worth does not depend on how many slots it took: that changes with their number.
  goodput_ += task.undisturbed ? 1 + static_cast<double>(task.bytes) / kMib : 0;
  if (phase_ == Phase::kAscent) {
    SlowStart(task, refused, now);
  } else if (settling_ && returned_ >= circulation_) {
    BeginRound(now);
    settling_ = false;
  } else if (!settling_ && returned_ >= circulation_ &&
             now - round_began_ >= StepOf(climbing_).shortest_round) {
    EndRound(refused, now);
  }
  const int change = std::max(wanted_ - circulation_, -task.slots);
  circulation_ += change;
  return task.slots + change;
}

bool ConcurrencyController::IsFast(const Returned& task) {
  auto& fastest = fastest_[static_cast<std::size_t>(std::bit_width(task.bytes))];
  fastest = std::min(fastest, task.took);
  return Seconds(task.took) <= kFast * Seconds(fastest);
}

void ConcurrencyController::SlowStart(const Returned& task, std::uint64_t refused, Clock::time_point now) {
  if (refused > refused_before_) return BackOff(refused, now);
  if (!task.undisturbed) return;
  if (IsFast(task)) {
    slow_in_a_row_ = 0;
    // Few large requests fill a line, and each holds memory.
    SetLimit(wanted_ + (task.slots == 1 ? kAscentFactor : std::max(1, task.slots / 4)), now);
    return;
  }
  slow_in_a_row_ += task.slots;
  if (slow_in_a_row_ < std::max(limits_.least, wanted_ / 4)) return;
  phase_ = Phase::kSteady;
  next_trial_ = now;
  Settle(now);
}

void ConcurrencyController::BeginRound(Clock::time_point now) {
  round_began_ = now;
  returned_ = 0;
  goodput_ = 0;
}

// What is under way belongs to another number of slots.
void ConcurrencyController::Settle(Clock::time_point now) {
  BeginRound(now);
  settling_ = true;
}

void ConcurrencyController::BackOff(std::uint64_t refused, Clock::time_point now) {
  refused_before_ = refused;
  phase_ = Phase::kSteady;
  climbing_ = false;
  base_rate_ = 0;
  patience_ = kLongestPatience;
  next_trial_ = now + patience_;
  next_is_up_ = true;
  SetLimit(static_cast<int>(kBackOff * wanted_), now);
  Settle(now);
}

void ConcurrencyController::EndRound(std::uint64_t refused, Clock::time_point now) {
  const double rate = goodput_ / Seconds(now - round_began_);
  const auto refusals = static_cast<double>(refused - refused_before_);
  if (refusals > kRefusedShare * static_cast<double>(returned_)) return BackOff(refused, now);
  refused_before_ = refused;
  if (phase_ == Phase::kSteady) {
    base_rate_ = base_rate_ > 0 ? 0.7 * base_rate_ + 0.3 * rate : rate;
    BeginRound(now);
    if (now >= next_trial_) Try(now);
    return;
  }
  const bool up = phase_ == Phase::kUp;
  phase_ = Phase::kSteady;
  if (rate >= (up ? StepOf(climbing_).worth : kNotLess) * base_rate_) {
    base_rate_ = rate;
    next_is_up_ = up;
    patience_ = kFirstPatience;
    return Try(now);
  }
  // A large step that paid a little calls for a small one.
  const bool a_little = std::exchange(climbing_, false) && rate >= kLater.worth * base_rate_;
  next_is_up_ = a_little || !up;
  if (!a_little) patience_ = std::min(patience_ * 3 / 2, kLongestPatience);
  next_trial_ = a_little ? now : now + patience_;
  SetLimit(base_slots_, now);
  Settle(now);
}

void ConcurrencyController::Try(Clock::time_point now) {
  base_slots_ = wanted_;
  const double factor = next_is_up_ ? StepOf(climbing_).factor : kStepDown;
  SetLimit(static_cast<int>(next_is_up_ ? std::ceil(factor * wanted_) : factor * wanted_), now);
  if (wanted_ == base_slots_) {  // there is no more, or no less
    next_is_up_ = !next_is_up_;
    climbing_ = false;
    next_trial_ = now + patience_;
    return BeginRound(now);
  }
  phase_ = next_is_up_ ? Phase::kUp : Phase::kDown;
  Settle(now);
}

void ConcurrencyController::SetLimit(int wanted, Clock::time_point now) {
  wanted_ = std::clamp(wanted, limits_.least, limits_.most);
  if (series_.back().second == wanted_) return;
  series_.emplace_back(Seconds(now - began_), wanted_);
  if (series_.size() < kMaxPoints) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < series_.size(); i += 2) series_[kept++] = series_[i];
  series_.resize(kept);
}

}  // namespace pipeline
