// Lets the first of many tasks do some work while the others wait for it. Thread-safe.
#pragma once

#include <utility>
#include <vector>

#include "s3/base/mutex.h"
#include "s3/base/waiter.h"

namespace pipeline {

// Like std::call_once, but the waiting tasks are suspended in a Waiter and hold no thread.
class AsyncOnce {
 public:
  // Returns true to the first caller, which must call Done() after its work. Other callers wait in `waiter`
  // until Done(), and get false.
  bool Enter(s3::Waiter* waiter) {
    {
      const s3::MutexLock lock(mutex_);
      if (done_) return false;
      if (!std::exchange(entered_, true)) return true;
    }
    waiter->Wait(s3::SlotState::kSibling, [this](s3::Wake wake) {
      s3::MutexLock lock(mutex_);
      if (!done_) {
        waiting_.push_back(wake);
        return;
      }
      lock.unlock();
      wake();
    });
    return false;
  }

  // Wakes all waiting tasks. Does not hold the lock then, because a woken task may run at once, in this
  // thread.
  void Done() {
    std::vector<s3::Wake> woken;
    {
      const s3::MutexLock lock(mutex_);
      done_ = true;
      woken.swap(waiting_);
    }
    for (const auto& wake : woken) wake();
  }

 private:
  s3::Mutex mutex_;
  bool entered_ S3_GUARDED_BY(mutex_) = false, done_ S3_GUARDED_BY(mutex_) = false;
  std::vector<s3::Wake> waiting_ S3_GUARDED_BY(mutex_);
};

}  // namespace pipeline
