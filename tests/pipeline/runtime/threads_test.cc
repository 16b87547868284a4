#include "pipeline/runtime/threads.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace threads_test {

TEST(ThreadsThatStartTest, StartsNoMoreThanAreWanted) {
  EXPECT_EQ(ThreadsThatStart(0), 0);
  EXPECT_EQ(ThreadsThatStart(3), 3);
}

}  // namespace threads_test
}  // namespace pipeline
