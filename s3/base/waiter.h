// How a task waits for an event: the one interface between straight-line code and the event loop.
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

  // Calls `start` with a Wake and returns after that Wake was called, perhaps even before `start` returns.
  // `start` must not throw. Once it has handed the Wake over, it must not use the caller's frame, which may
  // no longer exist. The caller may resume in another thread. So hold no lock across this call, and keep no
  // pointer to thread-local data.
  virtual void Wait(const std::function<void(Wake)>& start) = 0;
};

// Blocks the calling thread. For unit tests and the ThreadSanitizer build: a run needs a thread for each
// request in flight.
class BlockingWaiter final : public Waiter {
 public:
  void Wait(const std::function<void(Wake)>& start) override;
};

}  // namespace s3
