// Where the time of a run's slots goes: what each slot waits for, and for how long.
//
//   SlotTime account;                                        // one for each run
//   account.Enter(SlotState::kSource, 64, now);              // 64 slots, with nothing to do yet
//   account.Move(SlotState::kSource, SlotState::kCpu, now);  // one of them has got a task
//   SlotTimeReader reader(&account, now);
//   const auto reading = reader.Read(later);                 // slot-seconds by state, and slots in each
//   state
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace s3 {

// The states of a slot: what it does, or what it waits for. A slot is in exactly one state at a time.
enum class SlotState : std::uint8_t {
  // The slot is free.
  kSource,     // the source has found nothing to upload yet
  kFinished,   // the source has found everything; it waits for the last uploads, or has ended
  kLargeBody,  // held for a large body: by its task, whose state another slot shows, or until it has enough
  // The slot's task runs, or could run.
  kWorkerQueue,  // waits until a worker thread is free
  kCpu,          // runs: hashes, builds, signs
  kReading,      // runs, within a system call that opens or reads a file of the source
  // The slot's task is suspended.
  kStream,       // until a stream has more bytes
  kMemory,       // for its share of limits.memory
  kBandwidth,    // for limits.bandwidth
  kRequestRate,  // for limits.requests_per_second
  kThrottling,   // for the rate that the store accepts, or after a response that asked for fewer requests
  kOutage,       // until the store is back, or has room again
  kConnecting,   // for a connection
  kSending,      // until the request is sent
  kFirstByte,    // for the first byte of the response
  kReceiving,    // for the rest of the response
  kBackoff,      // before a retry, or until a file can be read
  kSibling,      // for another task: it opens the same object, or renews the credentials
  kJournal,      // until its record is in the journal; with its result: until the sink has counted it
};
inline constexpr std::size_t kSlotStates = 19;

// The name in the run's files: "source", "first_byte".
std::string_view NameOf(SlotState state);

// One value for each state.
template <typename T>
struct BySlotState {
  std::array<T, kSlotStates> values{};
  T& operator[](SlotState state) { return values[static_cast<std::size_t>(state)]; }
  const T& operator[](SlotState state) const { return values[static_cast<std::size_t>(state)]; }
};

// Counts slots and their time. Lock-free, any thread; allocates nothing. It reads no clock: callers pass the
// time, so that they can use a time that they know anyway. Times may arrive in any order.
//
// Each state has one word: the low 16 bits count slots, the others the microseconds, from `epoch` on, of all
// departures less those of all arrivals. So one atomic addition records an arrival, and each word can be read
// at any time: a state with n slots has had word + n * (now - epoch). Words may wrap around, see
// SlotTimeReader. At most 32,767 slots can be in a state.
class SlotTime {
 public:
  using Clock = std::chrono::steady_clock;

  explicit SlotTime(Clock::time_point epoch = Clock::now()) : epoch_(epoch) {}
  SlotTime(const SlotTime&) = delete;
  SlotTime& operator=(const SlotTime&) = delete;

  void Enter(SlotState state, int slots, Clock::time_point now) { Add(state, slots, Ticks(now)); }
  void Leave(SlotState state, int slots, Clock::time_point now) { Add(state, -slots, Ticks(now)); }
  // Moves one slot.
  void Move(SlotState from, SlotState to, Clock::time_point now);

 private:
  friend class SlotTimeReader;
  // Threads write to different cells, so that they seldom compete for a cache line.
  static constexpr std::size_t kCells = 16;
  struct alignas(64) Cell {
    std::array<std::atomic<std::uint64_t>, kSlotStates> words{};
  };

  std::uint64_t Ticks(Clock::time_point now) const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - epoch_).count());
  }
  void Add(SlotState state, int slots, std::uint64_t ticks);

  const Clock::time_point epoch_;
  std::array<Cell, kCells> cells_;
};

// Adds up an account. One thread at a time. Read() must be called at least once in 2^47 slot-microseconds:
// once in 38 hours with 1,024 slots.
class SlotTimeReader {
 public:
  struct Reading {
    BySlotState<double> seconds;  // slot-seconds since the reader was made
    BySlotState<int> slots;       // at the moment
  };

  // `account` is not owned.
  SlotTimeReader(const SlotTime* account, SlotTime::Clock::time_point start) : account_(account) {
    Read(start);
    total_ticks_ = {};
  }
  Reading Read(SlotTime::Clock::time_point now);

 private:
  const SlotTime* const account_;
  BySlotState<std::uint64_t> last_ticks_;
  BySlotState<std::int64_t> total_ticks_;
};

// The state of one task, and the account in which to count it. Not thread-safe. While the task waits, only
// the owner of its Wake may change the state.
struct SlotClock {
  SlotTime* account = nullptr;  // null: the task's time is not counted
  SlotState state = SlotState::kCpu;

  void Enter(SlotState next, SlotTime::Clock::time_point now) {
    if (next == state) return;
    if (account != nullptr) account->Move(state, next, now);
    state = next;
  }
};

// Counts a running task as `state` instead of kCpu while this object exists. The task must not wait
// meanwhile. `account` may be null.
class RunningIn {
 public:
  RunningIn(SlotTime* account, SlotState state) : clock_{account} { Enter(state); }
  ~RunningIn() { Enter(SlotState::kCpu); }
  RunningIn(const RunningIn&) = delete;
  RunningIn& operator=(const RunningIn&) = delete;

 private:
  void Enter(SlotState state) {
    if (clock_.account != nullptr) clock_.Enter(state, SlotTime::Clock::now());
  }
  SlotClock clock_;
};

}  // namespace s3
