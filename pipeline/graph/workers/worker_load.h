// Measures how busy the workers of oneTBB are, without a lock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace pipeline {

// The load at one moment, packed into one word, so that one atomic addition changes all three counters:
//
//    63                          28 27              12 11           0
//   +------------------------------+------------------+--------------+
//   | sum of times, microseconds   | completed tasks  | running tasks|
//   | modulo 2^36 (19 hours)       | modulo 2^16      | < 2^12       |
//   +------------------------------+------------------+--------------+
//
// When a task starts, it subtracts the present time from the sum. When it completes or waits, it adds the
// present time. So the time worked is the sum, plus the present time for each running task. A carry out of
// the completed tasks adds one microsecond to the sum; a carry out of the sum is lost.
class PackedLoad {
 public:
  using Clock = std::chrono::steady_clock;
  using Completed = std::uint16_t;

  explicit PackedLoad(std::uint64_t word) : word_(word) {}

  // Return the number that a task must add to the word, modulo 2^64.
  static std::uint64_t StartDelta(Clock::time_point now) { return kOneRunning - Shifted(now); }
  static std::uint64_t CompleteDelta(Clock::time_point now) {
    return kOneCompleted - kOneRunning + Shifted(now);
  }

  int running() const { return static_cast<int>(word_ & (kOneCompleted - 1)); }
  // Returns the number of completed tasks modulo 2^16. Use only the difference of two values.
  Completed completed() const { return static_cast<Completed>(word_ >> kRunningBits); }
  // Returns the time worked until `now`, modulo 2^36 microseconds, in the same bits as in the word. Use only
  // SecondsOf() of the difference of two values.
  std::uint64_t WorkedUntil(Clock::time_point now) const {
    return (word_ >> kSumShift << kSumShift) + static_cast<std::uint64_t>(running()) * Shifted(now);
  }
  // Returns the difference of two values of WorkedUntil, in seconds. May be negative, because a thread reads
  // the clock before it changes the word, so times can reach the word in the wrong order.
  static double SecondsOf(std::uint64_t difference) {
    return static_cast<double>(static_cast<std::int64_t>(difference) >> kSumShift) / 1e6;
  }

  // At most one task runs in each worker, and the job file's `upload.threads` is less than 2^12.
  static constexpr int kRunningBits = 12;

 private:
  static constexpr int kSumShift = kRunningBits + std::numeric_limits<Completed>::digits;
  static constexpr std::uint64_t kOneRunning = 1, kOneCompleted = kOneRunning << kRunningBits;

  // Returns a time in microseconds, in the bits of the sum.
  static std::uint64_t Shifted(Clock::time_point time) {
    using Microseconds = std::chrono::microseconds;
    const auto since = std::chrono::floor<Microseconds>(time).time_since_epoch();
    return static_cast<std::uint64_t>(since.count()) << kSumShift;
  }

  std::uint64_t word_;
};

// Summarizes the work between two samples.
struct LoadSample {
  double worked_s = 0;  // time worked, summed over all workers
  int completed = 0;    // number of completed tasks
  std::chrono::steady_clock::duration length{};
};

// Counts tasks as they start and complete. Thread-safe, except for Sample.
class WorkerLoad {
 public:
  using Clock = PackedLoad::Clock;

  explicit WorkerLoad(Clock::time_point now) : sampled_at_(now) {}

  // Enter: a task starts or resumes. Leave: a task completes or begins to wait. All workers call these
  // functions all the time.
  void Enter(Clock::time_point now) { word_ += PackedLoad::StartDelta(now); }
  void Leave(Clock::time_point now) { word_ += PackedLoad::CompleteDelta(now); }

  // Returns true if the last sample is at least kInterval old.
  bool IsDue(Clock::time_point now) const { return now - sampled_at_.load() >= kInterval; }
  // Returns the work since the last sample. Returns nothing if no sample is due. One thread at a time.
  std::optional<LoadSample> Sample(Clock::time_point now);

  static constexpr std::chrono::milliseconds kInterval{2};

 private:
  PackedLoad::Completed completed_before_ = 0;
  std::uint64_t worked_before_ = 0;
  alignas(64) std::atomic<Clock::time_point> sampled_at_;
  alignas(64) std::atomic<std::uint64_t> word_ = 0;  // see PackedLoad
};

}  // namespace pipeline
