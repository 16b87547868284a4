#include "s3/base/waiter.h"

#include "s3/base/mutex.h"

namespace s3 {

void BlockingWaiter::Wait(SlotState reason, const std::function<void(Wake)>& start) {
  struct State {
    Mutex mutex;
    CondVar condition;
    bool is_woken S3_GUARDED_BY(mutex) = false;
  } state;
  SlotClock clock{account_};
  clock.Enter(reason, SlotTime::Clock::now());
  start(Wake{[](void* argument) {
               auto* const waiting = static_cast<State*>(argument);
               // Notifies while the lock is held. Otherwise the waiter could return and destroy the state
               // before the notification.
               MutexLock lock(waiting->mutex);
               waiting->is_woken = true;
               waiting->condition.NotifyOne();
             },
             &state, &clock});
  MutexLock lock(state.mutex);
  state.condition.Wait(lock, [&]() S3_REQUIRES(state.mutex) { return state.is_woken; });
  clock.Enter(SlotState::kCpu, SlotTime::Clock::now());
}

}  // namespace s3
