// Digests several payloads together, in workers that have nothing more urgent to do. With vector
// instructions, that takes much less CPU time than digesting them one after the other.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include "s3/api/payload.h"
#include "s3/base/mutex.h"
#include "s3/base/result.h"
#include "s3/base/slot_time.h"
#include "s3/base/waiter.h"

namespace pipeline {

// Thread-safe.
//
//   DigestScheduler scheduler(cores, graph.waiter(), [&](auto task) { graph.Enqueue(std::move(task)); });
//   s3::PayloadDigests digests(integrity);
//   auto result = scheduler.Digest(bytes, next_piece, &digests);  // the task waits, without a thread
class DigestScheduler {
 public:
  // Must run the given task in a worker, after the tasks that are ready at that time. The scheduler must
  // outlive all tasks that it has enqueued.
  using Enqueue = std::function<void(std::function<void()>)>;

  // Enqueues at most `cores` tasks at a time. Counts the time in which `next` reads in `slot_time`, if not
  // null. Doesn't own `waiter` and `slot_time`.
  DigestScheduler(int cores, s3::Waiter* waiter, Enqueue enqueue, s3::SlotTime* slot_time = nullptr)
      : cores_(cores), waiter_(waiter), enqueue_(std::move(enqueue)), slot_time_(slot_time) {}

  // Returns the next piece of a payload, or an empty one at its end. The piece stays valid until the next
  // call. The scheduler calls it from one thread at a time, but from changing threads.
  using NextPiece = std::function<s3::Result<std::string_view>()>;

  // Digests all pieces, about `bytes` bytes in total, into `digests`. Waits in the waiter. Returns the errors
  // of `next` and rethrows its exceptions.
  s3::Result<void> Digest(std::size_t bytes, const NextPiece& next, s3::PayloadDigests* digests);
  // Digests one payload alone, in the calling thread.
  s3::Result<void> DigestAlone(std::size_t bytes, const NextPiece& next, s3::PayloadDigests* digests) const;

  // Digest() digests smaller payloads in the calling thread, because a handover would take longer.
  static constexpr std::size_t kMinBytes = 256 << 10;
  // Pieces of each payload per task. They take one or two milliseconds; then the worker runs other tasks.
  static constexpr int kPiecesAtATime = 8;

 private:
  struct Work;  // one payload that is being digested
  // A linked list of works. Each work is on the stack of the task that waits for its digests.
  struct Queue {
    void PushBack(Work* work);
    void PushFront(Work* work);
    Work* Pop();
    Work* first = nullptr;
    Work* last = nullptr;
  };

  void Add(Work* work);
  void DigestSome();
  // Returns how many payloads to digest together. Precondition: waiting_ is not empty.
  std::size_t LanesNow() const S3_REQUIRES(mutex_);
  static void EnterAll(std::span<Work* const> works, s3::SlotState state);
  static void DigestPieces(std::span<Work* const> works);

  // With fewer unfinished payloads than this per core, some cores may be idle. Then fewer payloads are
  // digested together.
  static constexpr int kMinPerCore = 2;

  const int cores_;
  s3::Waiter* const waiter_;
  const Enqueue enqueue_;
  s3::SlotTime* const slot_time_;
  s3::Mutex mutex_;
  int tasks_ S3_GUARDED_BY(mutex_) = 0;  // enqueued or running
  int works_ S3_GUARDED_BY(mutex_) = 0;  // in waiting_, or taken from it by a task
  Queue waiting_ S3_GUARDED_BY(mutex_);
};

}  // namespace pipeline
