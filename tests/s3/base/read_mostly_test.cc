#include "s3/base/read_mostly.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace s3 {
namespace read_mostly_test {

TEST(ReadMostlyTest, CurrentIsTheLastPublishedVersion) {
  ReadMostly<std::string> value("first");
  EXPECT_EQ(*value.Current(), "first");
  const auto* const second = value.Publish("second");
  EXPECT_EQ(value.Current(), second);
  EXPECT_EQ(*second, "second");
}

TEST(ReadMostlyTest, OldVersionsStayValid) {
  ReadMostly<std::string> value("0");
  std::vector<const std::string*> seen{value.Current()};
  for (int i = 1; i < 1000; ++i) seen.push_back(value.Publish(std::to_string(i)));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(*seen[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST(ReadMostlyTest, ReadersSeeWholeVersionsInTheirOrder) {
  struct Pair {
    int a, b;
  };
  ReadMostly<Pair> value({0, 0});
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (int last = 0; last < 1000;) {
        const auto* const current = value.Current();
        ASSERT_EQ(current->a, current->b);
        ASSERT_GE(current->a, last);
        last = current->a;
      }
    });
  }
  for (int i = 1; i <= 1000; ++i) value.Publish({i, i});
}

}  // namespace read_mostly_test
}  // namespace s3
