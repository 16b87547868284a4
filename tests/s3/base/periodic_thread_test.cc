#include "s3/base/periodic_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>

namespace s3 {
namespace periodic_thread_test {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(PeriodicThreadTest, CallsUntilTheStepReturnsNoPause) {
  std::atomic<int> calls{0};
  std::promise<void> ended;
  PeriodicThread thread(milliseconds(0), [&]() -> std::optional<PeriodicThread::Pause> {
    if (++calls < 3) return milliseconds(0);
    ended.set_value();  // a second call would throw
    return std::nullopt;
  });
  ended.get_future().wait();
  thread.Wake();
  EXPECT_EQ(calls, 3);
}

TEST(PeriodicThreadTest, WakeEndsAPause) {
  std::promise<void> first, second;
  int calls = 0;
  PeriodicThread thread(hours(1), [&]() -> std::optional<PeriodicThread::Pause> {
    (++calls == 1 ? first : second).set_value();
    return hours(1);
  });
  thread.Wake();
  first.get_future().wait();
  thread.Wake();
  second.get_future().wait();
}

TEST(PeriodicThreadTest, AWakeDuringACallIsNotLost) {
  std::promise<void> started, may_end, called_again;
  auto end = may_end.get_future();
  int calls = 0;
  PeriodicThread thread(milliseconds(0), [&]() -> std::optional<PeriodicThread::Pause> {
    if (++calls == 1) {
      started.set_value();
      end.wait();
    } else if (calls == 2) {
      called_again.set_value();
    }
    return hours(1);
  });
  started.get_future().wait();
  thread.Wake();
  may_end.set_value();
  called_again.get_future().wait();
}

TEST(PeriodicThreadTest, DestructionEndsAPauseWithoutACall) {
  std::atomic<int> calls{0};
  {
    const PeriodicThread thread(hours(1), [&]() -> std::optional<PeriodicThread::Pause> {
      ++calls;
      return hours(1);
    });
  }
  EXPECT_EQ(calls, 0);
}

}  // namespace periodic_thread_test
}  // namespace s3
