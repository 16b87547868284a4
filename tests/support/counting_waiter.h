// A waiter for tests that must know when calls have begun to wait.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "s3/base/waiter.h"

namespace test {

// Blocks its thread, as BlockingWaiter does, and counts the calls of Wait() whose `start` has returned.
// Thread-safe.
class CountingWaiter : public s3::Waiter {
 public:
  void Wait(s3::SlotState reason, const std::function<void(s3::Wake)>& start) override {
    blocking_.Wait(reason, [this, &start](s3::Wake wake) {
      auto* const self = this;  // the closure may be destroyed once `start` has passed on the wake
      start(wake);
      ++self->waiting_;
      self->waiting_.notify_all();
    });
  }
  // Returns when `count` calls have begun to wait since the last Forget().
  void WaitFor(std::size_t count) {
    for (std::size_t now; (now = waiting_) < count;) waiting_.wait(now);
  }
  void Forget() { waiting_ = 0; }

 private:
  s3::BlockingWaiter blocking_;
  std::atomic<std::size_t> waiting_ = 0;
};

}  // namespace test
