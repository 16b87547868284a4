// Payloads digested several at a time, by whichever workers have nothing else to do: together they take a
// processor much less time than one after the other.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <string_view>

#include "s3/api/payload.h"
#include "s3/base/result.h"
#include "s3/base/waiter.h"

namespace pipeline {

// A body waits without a thread until its payload is digested. Thread-safe.
class DigestScheduler {
 public:
  // Has a worker run a task, after what is ready to run now. It ends before those who wait for it are gone.
  using Enqueue = std::function<void(std::function<void()>)>;

  // At most one task for each of `cores` is enqueued at a time. Does not own `waiter`.
  DigestScheduler(int cores, s3::Waiter* waiter, Enqueue enqueue)
      : cores_(cores), waiter_(waiter), enqueue_(std::move(enqueue)) {}

  // The next piece of a payload; an empty one is the end. It stays as it is until the next call. Called by
  // one thread at a time, not always the same.
  using NextPiece = std::function<s3::Result<std::string_view>()>;

  // Digests all pieces, some `bytes` together. Fails as `next` does, and throws what it throws.
  s3::Result<void> Digest(std::size_t bytes, const NextPiece& next, s3::PayloadDigests* digests);
  // The same in the calling thread.
  static s3::Result<void> DigestAlone(const NextPiece& next, s3::PayloadDigests* digests);

  // Smaller payloads are digested before another thread could be told of them.
  static constexpr std::size_t kMinBytes = 256 << 10;
  // Of each payload, before the worker looks for other tasks: a millisecond or two.
  static constexpr int kPiecesAtATime = 8;

 private:
  struct Work;
  // Linked through the works themselves, which are on the stacks of their bodies.
  struct Queue {
    void PushBack(Work* work);
    void PushFront(Work* work);
    Work* Pop();
    Work* first = nullptr;
    Work* last = nullptr;
  };

  void Add(Work* work);
  void DigestSome();
  std::size_t TogetherNow() const;  // as the first that waits has it; under mutex_
  static void DigestPieces(std::span<Work* const> works);

  // As long as there are fewer payloads than this for each core, cores may have nothing to do.
  static constexpr int kFewOfACore = 2;

  const int cores_;
  s3::Waiter* const waiter_;
  const Enqueue enqueue_;
  std::mutex mutex_;
  int tasks_ = 0;  // enqueued or running
  int works_ = 0;  // waiting or with a task
  Queue waiting_;
};

}  // namespace pipeline
