#include "s3/base/slot_time.h"

namespace s3 {
namespace {

constexpr int kCountBits = 16;

constexpr std::array<std::string_view, kSlotStates> kNames = {
    "source",     "finished",  "large_body",   "worker_queue", "cpu",    "reading",    "stream",
    "memory",     "bandwidth", "request_rate", "throttling",   "outage", "connecting", "sending",
    "first_byte", "receiving", "backoff",      "sibling",      "journal"};

// Returns the number of the calling thread, from 1 on.
unsigned ThreadNumber() {
  static std::atomic<unsigned> threads{0};
  thread_local unsigned number = 0;
  if (number == 0) number = threads.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

}  // namespace

std::string_view NameOf(SlotState state) { return kNames[static_cast<std::size_t>(state)]; }

// A departure at `ticks` adds to the time what the arrival has subtracted.
void SlotTime::Add(SlotState state, int slots, std::uint64_t ticks) {
  const auto count = static_cast<std::uint64_t>(static_cast<std::int64_t>(slots));
  const auto change = count - ((count * ticks) << kCountBits);
  auto& cell = cells_[ThreadNumber() % kCells];
  cell.words[static_cast<std::size_t>(state)].fetch_add(change, std::memory_order_relaxed);
}

void SlotTime::Move(SlotState from, SlotState to, Clock::time_point now) {
  const auto ticks = Ticks(now);
  Add(from, -1, ticks);
  Add(to, 1, ticks);
}

// A slot that moves while the cells are read may be seen as departed but not as arrived. The count of a state
// may then be negative for this reading. The next reading puts that right.
SlotTimeReader::Reading SlotTimeReader::Read(SlotTime::Clock::time_point now) {
  Reading reading;
  for (std::size_t i = 0; i < kSlotStates; ++i) {
    std::uint64_t word = 0;
    for (const auto& cell : account_->cells_) word += cell.words[i].load(std::memory_order_relaxed);
    const auto count = static_cast<std::int16_t>(word & ((1U << kCountBits) - 1));
    const auto open = static_cast<std::uint64_t>(std::int64_t{count}) * account_->Ticks(now);
    const auto base = word - static_cast<std::uint64_t>(std::int64_t{count});
    const auto ticks = base + (open << kCountBits);
    // The difference is signed, and shifted back only now, because both values may have wrapped around.
    const auto since = static_cast<std::int64_t>(ticks - last_ticks_.values[i]);
    total_ticks_.values[i] += since / (1 << kCountBits);
    last_ticks_.values[i] = ticks;
    reading.slots.values[i] = count;
    reading.seconds.values[i] = static_cast<double>(total_ticks_.values[i]) / 1e6;
  }
  return reading;
}

}  // namespace s3
