#include "s3/base/waiter.h"

#include <gtest/gtest.h>

#include <thread>

namespace s3 {
namespace waiter_test {

TEST(BlockingWaiterTest, ReturnsAtOnceWhenWokenWithinStart) {
  BlockingWaiter().Wait([](Wake wake) { wake(); });
}

TEST(BlockingWaiterTest, SeesWhatAnotherThreadDidBeforeItsWake) {
  for (int i = 0; i < 200; ++i) {
    int value = 0;
    std::jthread other;
    BlockingWaiter().Wait([&](Wake wake) {
      other = std::jthread([&value, wake, i] {
        value = i;
        wake();
      });
    });
    EXPECT_EQ(value, i);
  }
}

}  // namespace waiter_test
}  // namespace s3
