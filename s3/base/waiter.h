// How a task waits for an event. This is the only interface between straight-line code and the event loop.
//
//   HttpResponse response;
//   waiter->Wait(SlotState::kConnecting, [&](Wake wake) {    // suspends this task, not the thread
//     transport->Send(std::move(request), &response, wake);  // wake is called when the response is complete
//   });
//   Use(response);                                           // perhaps in another thread than before
#pragma once

#include <functional>

#include "s3/base/slot_time.h"

namespace s3 {

// Resumes one waiting task. Copyable. Call it exactly once, from any thread.
struct Wake {
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
  SlotClock* clock = nullptr;  // of the waiting task; null if its time is not counted. Not owned.
  void operator()() const { function(argument); }
  // Records what the task waits for from `now` on. Only the owner of the Wake may call it, before the Wake is
  // called.
  void WaitFor(SlotState state, SlotTime::Clock::time_point now) const {
    if (clock != nullptr) clock->Enter(state, now);
  }
};

class Waiter {
 public:
  virtual ~Waiter() = default;

  // Calls `start` with a Wake, and returns after that Wake was called. The time is counted as `reason`, until
  // the owner of the Wake calls WaitFor(). `start` must not throw. The Wake may be called before `start`
  // returns. So once `start` has passed the Wake on, `start` must not use the caller's stack frame, because
  // the frame may no longer exist. This call may return in another thread, so the caller must hold no lock
  // across it, and keep no pointer to thread-local data.
  virtual void Wait(SlotState reason, const std::function<void(Wake)>& start) = 0;
};

// Blocks the calling thread. Used outside the graph, in unit tests, and in the ThreadSanitizer build, where a
// run needs a thread for each request in flight.
class BlockingWaiter final : public Waiter {
 public:
  // Counts the time of its waits in `account`, which is not owned. Null: does not count it.
  explicit BlockingWaiter(SlotTime* account = nullptr) : account_(account) {}

  void Wait(SlotState reason, const std::function<void(Wake)>& start) override;
  // For threads that have no slot.
  void Wait(const std::function<void(Wake)>& start) { Wait(SlotState::kSibling, start); }

 private:
  SlotTime* const account_;
};

}  // namespace s3
