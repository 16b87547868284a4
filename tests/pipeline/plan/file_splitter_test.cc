#include "pipeline/plan/file_splitter.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace file_splitter_test {

TEST(FileSplitterTest, RangesCoverAllPartsAndDifferByOne) {
  for (const int parts : {2, 7, 256, 9999}) {
    for (const int pieces : {1, 2, 5, 7, 64}) {
      if (pieces > parts) continue;
      const auto ranges = SplitParts({.parts = parts}, pieces);
      int next = 1;
      for (const auto& [first, last] : ranges) {
        EXPECT_EQ(first, next);
        EXPECT_NEAR(last - first + 1, static_cast<double>(parts) / pieces, 1);
        next = last + 1;
      }
      EXPECT_EQ(next, parts + 1);
      EXPECT_EQ(ranges.size(), static_cast<std::size_t>(pieces));
    }
  }
}

}  // namespace file_splitter_test
}  // namespace pipeline
