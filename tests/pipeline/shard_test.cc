#include "pipeline/shard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pipeline {
namespace shard_test {

TEST(ShardTest, EachKeyBelongsToOneShard) {
  std::vector<int> keys(7, 0);
  for (int i = 0; i < 7000; ++i) {
    const auto key = fmt::format("run42/{}", i);
    int owners = 0;
    for (int index = 0; index < 7; ++index) {
      if (!Shard{index, 7}.Has(key)) continue;
      ++owners;
      ++keys[static_cast<std::size_t>(index)];
    }
    EXPECT_EQ(owners, 1) << key;
  }
  for (const int count : keys) EXPECT_NEAR(count, 1000, 150);
  // printf a | sha256sum, its first 16 digits: ca978112ca1bbdca, which is 6 modulo 7.
  EXPECT_TRUE((Shard{static_cast<int>(0xca978112ca1bbdcaull % 7), 7}.Has("a")));
}

TEST(ShardTest, RangesTextJoinsNeighbours) {
  EXPECT_EQ(RangesText({}), "");
  EXPECT_EQ(RangesText({4}), "4");
  EXPECT_EQ(RangesText({0, 3, 4, 5, 7}), "0,3-5,7");
}

}  // namespace shard_test
}  // namespace pipeline
