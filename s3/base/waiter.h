// How a task waits for an event. This is the only interface between straight-line code and the event loop.
//
//   HttpResponse response;
//   waiter->Wait([&](Wake wake) {                            // suspends this task, not the thread
//     transport->Send(std::move(request), &response, wake);  // wake is called when the response is complete
//   });
//   Use(response);                                           // perhaps in another thread than before
#pragma once

#include <functional>

namespace s3 {

// Resumes one waiting task. Copyable. Call it exactly once, from any thread.
struct Wake {
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
  void operator()() const { function(argument); }
};

class Waiter {
 public:
  virtual ~Waiter() = default;

  // Calls `start` with a Wake, and returns after that Wake was called. `start` must not throw. The Wake may
  // be called before `start` returns. So once `start` has passed the Wake on, `start` must not use the
  // caller's stack frame, because the frame may no longer exist. This call may return in another thread, so
  // the caller must hold no lock across it, and keep no pointer to thread-local data.
  virtual void Wait(const std::function<void(Wake)>& start) = 0;
};

// Blocks the calling thread. Used outside the graph, in unit tests, and in the ThreadSanitizer build, where a
// run needs a thread for each request in flight.
class BlockingWaiter final : public Waiter {
 public:
  void Wait(const std::function<void(Wake)>& start) override;
};

}  // namespace s3
