#include "pipeline/upload/digest_scheduler.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace pipeline {

struct DigestScheduler::Work {
  const NextPiece& next;
  s3::PayloadDigests* digests;
  std::string_view piece{};
  bool ended = false;
  s3::Result<void> result{};
  std::exception_ptr thrown{};
  s3::Wake wake{};
  Work* next_work = nullptr;

  // Reads the next piece. Returns false at the end and after an error. Keeps errors and exceptions for the
  // waiting task, because another thread may call this.
  bool Read() noexcept {
    try {
      auto read = next();
      if (!read) result = tl::unexpected(std::move(read.error()));
      ended = !read || read->empty();
      if (!ended) piece = *read;
    } catch (...) {
      thrown = std::current_exception();
      ended = true;
    }
    return !ended;
  }
};

void DigestScheduler::Queue::PushBack(Work* work) {
  work->next_work = nullptr;
  if (last == nullptr) {
    first = work;
  } else {
    last->next_work = work;
  }
  last = work;
}

void DigestScheduler::Queue::PushFront(Work* work) {
  work->next_work = first;
  first = work;
  if (last == nullptr) last = work;
}

DigestScheduler::Work* DigestScheduler::Queue::Pop() {
  Work* const work = first;
  if (work == nullptr) return nullptr;
  first = work->next_work;
  if (first == nullptr) last = nullptr;
  return work;
}

s3::Result<void> DigestScheduler::Digest(std::size_t bytes, const NextPiece& next,
                                         s3::PayloadDigests* digests) {
  if (bytes < kMinBytes || digests->lanes() == 1) return DigestAlone(bytes, next, digests);
  Work work{next, digests};
  waiter_->Wait(s3::SlotState::kWorkerQueue, [&](s3::Wake wake) {
    work.wake = wake;
    Add(&work);
  });
  if (work.thrown) std::rethrow_exception(work.thrown);
  return std::move(work.result);
}

s3::Result<void> DigestScheduler::DigestAlone(std::size_t bytes, const NextPiece& next,
                                              s3::PayloadDigests* digests) const {
  for (std::size_t done = 0;;) {
    // After the last byte, `next` only finds the end. That takes no time.
    const auto read = [&] {
      const s3::RunningIn reading(slot_time_, s3::SlotState::kReading);
      return next();
    };
    const auto piece = done < bytes ? read() : next();
    if (!piece) return tl::unexpected(piece.error());
    if (piece->empty()) return {};
    done += piece->size();
    digests->Update(*piece);
  }
}

void DigestScheduler::Add(Work* work) {
  const s3::MutexLock lock(mutex_);
  ++works_;
  waiting_.PushBack(work);
  if (tasks_ == cores_) return;
  ++tasks_;
  enqueue_([this] { DigestSome(); });
}

std::size_t DigestScheduler::LanesNow() const {
  const auto& digests = *waiting_.first->digests;
  return works_ < kMinPerCore * cores_ ? digests.lanes_of_few() : digests.lanes();
}

// Digests some pieces. If payloads still wait, it enqueues itself again, after all tasks that are ready by
// then.
void DigestScheduler::DigestSome() {
  std::array<Work*, s3::kMaxHashLanes> taken;
  std::size_t count = 0;
  s3::MutexLock lock(mutex_);
  while (waiting_.first != nullptr && count < LanesNow()) taken[count++] = waiting_.Pop();
  if (count == 0) {
    --tasks_;
    return;
  }
  lock.unlock();
  const auto works = std::span(taken).first(count);
  DigestPieces(works);
  // Read `ended` before taking the lock. Afterwards a work item may be back in the queue, where another
  // thread can take it.
  const auto ended =
      std::stable_partition(works.begin(), works.end(), [](Work* work) { return !work->ended; });
  lock.lock();
  works_ -= static_cast<int>(works.end() - ended);
  for (auto work = ended; work != works.begin();) waiting_.PushFront(*--work);
  if (waiting_.first != nullptr) {
    enqueue_([this] { DigestSome(); });
  } else {
    --tasks_;
  }
  lock.unlock();
  std::for_each(ended, works.end(), [](Work* work) { work->wake(); });
}

// Records what the tasks of these works wait for: what this thread does for them.
void DigestScheduler::EnterAll(std::span<Work* const> works, s3::SlotState state) {
  const auto now = s3::SlotTime::Clock::now();
  for (Work* const work : works) work->wake.WaitFor(state, now);
}

// Stops early when one payload has ended, so that another one can take its place.
void DigestScheduler::DigestPieces(std::span<Work* const> works) {
  const auto has_ended = [](const Work* work) { return work->ended; };
  for (int i = 0; i < kPiecesAtATime && std::none_of(works.begin(), works.end(), has_ended); ++i) {
    std::array<s3::PayloadDigests::Piece, s3::kMaxHashLanes> pieces;
    std::size_t count = 0;
    EnterAll(works, s3::SlotState::kReading);
    for (Work* const work : works) {
      if (work->Read()) pieces[count++] = {work->digests, work->piece};
    }
    EnterAll(works, s3::SlotState::kCpu);
    s3::PayloadDigests::UpdateAll(std::span(pieces).first(count));
  }
  EnterAll(works, s3::SlotState::kWorkerQueue);
}

}  // namespace pipeline
