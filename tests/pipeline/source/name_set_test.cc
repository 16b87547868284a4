// The set of names that finds duplicates.
#include "pipeline/source/name_set.h"

#include <gtest/gtest.h>

#include <string>

namespace pipeline {
namespace name_set_test {

TEST(NameSetTest, KnowsWhatWasInserted) {
  constexpr int kNames = 100'000;
  NameSet names;
  EXPECT_FALSE(names.Contains("0"));
  for (int i = 0; i < kNames; ++i) ASSERT_TRUE(names.Insert(std::to_string(i))) << i;
  for (int i = 0; i < kNames; ++i) {
    ASSERT_FALSE(names.Insert(std::to_string(i))) << i;
    ASSERT_TRUE(names.Contains(std::to_string(i))) << i;
    ASSERT_FALSE(names.Contains(std::to_string(i) + "x")) << i;
  }
  EXPECT_TRUE(names.Insert(""));
  EXPECT_FALSE(names.Insert(""));
  EXPECT_TRUE(names.Insert(std::string("\0", 1)));
}

}  // namespace name_set_test
}  // namespace pipeline
