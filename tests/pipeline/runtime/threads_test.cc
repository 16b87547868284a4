#include "pipeline/runtime/threads.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace {

TEST(ThreadsThatStartTest, StartsNoMoreThanAreWanted) {
  EXPECT_EQ(ThreadsThatStart(0), 0);
  EXPECT_EQ(ThreadsThatStart(3), 3);
}

}  // namespace
}  // namespace pipeline
