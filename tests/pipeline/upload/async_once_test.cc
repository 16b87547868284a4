#include "pipeline/upload/async_once.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/counting_waiter.h"

namespace pipeline {
namespace async_once_test {

TEST(AsyncOnceTest, TheOthersReturnOnlyAfterDone) {
  AsyncOnce once;
  test::CountingWaiter waiter;
  ASSERT_TRUE(once.Enter(&waiter));
  bool is_done = false;
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i) {
    others.emplace_back([&] {
      EXPECT_FALSE(once.Enter(&waiter));
      EXPECT_TRUE(is_done);
    });
  }
  waiter.WaitFor(4);
  is_done = true;
  once.Done();
  for (auto& other : others) other.join();
}

class ForbiddenWaiter final : public s3::Waiter {
 public:
  void Wait(s3::SlotState, const std::function<void(s3::Wake)>&) override { FAIL() << "nobody has to wait"; }
};

TEST(AsyncOnceTest, AfterDoneNobodyWaits) {
  AsyncOnce once;
  ForbiddenWaiter forbidden;
  ASSERT_TRUE(once.Enter(&forbidden));
  once.Done();
  EXPECT_FALSE(once.Enter(&forbidden));
}

TEST(AsyncOnceTest, OneOfManyEntersAndAllReturn) {
  for (int round = 0; round < 200; ++round) {
    AsyncOnce once;
    s3::BlockingWaiter waiter;
    std::atomic<int> entered = 0;
    std::vector<std::thread> tasks;
    for (int i = 0; i < 4; ++i) {
      tasks.emplace_back([&] {
        if (!once.Enter(&waiter)) return;
        ++entered;
        once.Done();
      });
    }
    for (auto& task : tasks) task.join();
    EXPECT_EQ(entered, 1);
  }
}

}  // namespace async_once_test
}  // namespace pipeline
