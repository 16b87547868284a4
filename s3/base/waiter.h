// How a body waits: the one seam between straight-line code and the event loop.
#pragma once

#include <functional>

namespace s3 {

// Brings one waiting body back. Copyable; called exactly once, from any thread.
struct Wake {
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
  void operator()() const { function(argument); }
};

class Waiter {
 public:
  virtual ~Waiter() = default;

  // Calls `start` with a Wake, and returns after that Wake was called, which may happen before
  // `start` returns. `start` must not throw, and once it has handed the Wake over it must not touch
  // the caller's frame, which may be gone. The caller may go on in another thread than it called
  // from: it holds no lock, and nothing bound to a thread, across this call.
  virtual void Wait(const std::function<void(Wake)>& start) = 0;
};

// Parks the calling thread. For unit tests and the ThreadSanitizer build; a run with it needs as
// many threads as it has requests in flight.
class BlockingWaiter final : public Waiter {
 public:
  void Wait(const std::function<void(Wake)>& start) override;
};

}  // namespace s3
