// Decides when the concurrency controller probes another limit, in which direction and how far. A value, not
// thread-safe.
#pragma once

#include <chrono>

namespace pipeline {

// A probe pays if its goodput justifies its limit, see Pays(). First the steps are large and upward, while
// each of them pays. Then small steps up or down follow from time to time. After each step that does not pay,
// the wait before the next step is longer.
class ProbeSchedule {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ProbeSchedule(Clock::time_point now) : due_(now) {}

  bool IsDue(Clock::time_point now) const { return now >= due_; }
  bool upward() const { return upward_; }
  // Returns the limit to probe, starting from `limit`.
  int Target(int limit) const;
  // The minimum length of a round that measures goodput.
  std::chrono::milliseconds min_round() const { return step().min_round; }
  // Returns true if the probe's limit should be kept. A higher limit must raise goodput clearly; a lower one
  // must not reduce it by more than 2 %.
  bool Pays(double rate, double base_rate) const;

  void StartNow(Clock::time_point now) { due_ = now; }
  // The probe paid. The next probe follows at once, in the same direction.
  void OnKept();
  // The probe did not pay. The next probe goes in the other direction, after a longer wait. But if a large
  // step raised goodput a little, a small step up follows at once.
  void OnRejected(double rate, double base_rate, Clock::time_point now);
  // The limit has reached its bound in this direction. The next probe goes in the other direction.
  void OnNoRoom(Clock::time_point now);
  // The store refused requests. From now on all steps are small; the next step is made after kMaxWait.
  void OnBackOff(Clock::time_point now);

  static constexpr std::chrono::milliseconds kMinWait{1000}, kMaxWait{15'000};

 private:
  struct UpwardStep {
    std::chrono::milliseconds min_round;
    double factor;
    double min_ratio;  // minimum ratio of the goodput to the goodput at the base limit
  };
  static constexpr UpwardStep kLargeStep{std::chrono::milliseconds(100), 2, 1.5};
  static constexpr UpwardStep kSmallStep{std::chrono::milliseconds(250), 1.25, 1.05};
  static constexpr double kDownwardFactor = 0.8, kMinDownwardRatio = 0.98;

  const UpwardStep& step() const { return large_steps_ ? kLargeStep : kSmallStep; }

  bool large_steps_ = true;
  bool upward_ = true;
  std::chrono::milliseconds wait_ = kMinWait;
  Clock::time_point due_;
};

}  // namespace pipeline
