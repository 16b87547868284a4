#include "s3/base/waiter.h"

#include <condition_variable>
#include <mutex>

namespace s3 {

void BlockingWaiter::Wait(const std::function<void(Wake)>& start) {
  struct State {
    std::mutex mutex;
    std::condition_variable condition;
    bool woken = false;
  } state;
  start(Wake{[](void* argument) {
               auto* const waiting = static_cast<State*>(argument);
               // Notifies under the lock: else the waiter could return and destroy the state before.
               std::lock_guard lock(waiting->mutex);
               waiting->woken = true;
               waiting->condition.notify_one();
             },
             &state});
  std::unique_lock lock(state.mutex);
  state.condition.wait(lock, [&] { return state.woken; });
}

}  // namespace s3
