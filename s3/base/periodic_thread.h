// A thread that calls a function again and again, with pauses, until the PeriodicThread is destroyed.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "s3/base/mutex.h"

namespace s3 {

// Declare it as the last member of its owner, so that it is destroyed before the members that the function
// uses.
class PeriodicThread {
 public:
  using Pause = std::chrono::steady_clock::duration;
  // Returns the pause before the next call; nothing to end the calls. Must not throw.
  using Step = std::function<std::optional<Pause>()>;

  // The first call comes after `first_pause`. Throws std::system_error if no thread can be started.
  PeriodicThread(Pause first_pause, Step step)
      : step_(std::move(step)), thread_([this, first_pause] { Loop(first_pause); }) {}
  // Waits until a running call has returned. No other call follows.
  ~PeriodicThread() {
    {
      const MutexLock lock(mutex_);
      quit_ = true;
      changed_.NotifyAll();
    }
    thread_.join();
  }
  PeriodicThread(const PeriodicThread&) = delete;
  PeriodicThread& operator=(const PeriodicThread&) = delete;

  // Ends the current pause. If a call is running, the next call follows it without a pause. Thread-safe.
  void Wake() {
    const MutexLock lock(mutex_);
    woken_ = true;
    changed_.NotifyAll();
  }

 private:
  void Loop(std::optional<Pause> pause) {
    MutexLock lock(mutex_);
    while (pause) {
      changed_.WaitFor(lock, *pause, [this]() S3_REQUIRES(mutex_) { return quit_ || woken_; });
      if (quit_) return;
      woken_ = false;
      lock.unlock();
      pause = step_();
      lock.lock();
    }
  }

  const Step step_;
  Mutex mutex_;
  CondVar changed_;
  bool woken_ S3_GUARDED_BY(mutex_) = false;
  bool quit_ S3_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace s3
