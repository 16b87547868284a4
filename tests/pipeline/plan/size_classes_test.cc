#include "pipeline/plan/size_classes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/support/sizes.h"
#include "tests/support/support.h"

namespace pipeline {
namespace size_classes_test {

TEST(SizeClassesTest, GiveAllInputsBackTheLargestClassFirst) {
  auto random = test::SeededRandom();
  const test::TempDir directory;
  std::multiset<std::string> added, drained;
  std::uint64_t above = 0;
  {
    SizeClasses spool(OwnDir::Open(directory.path()).value());
    for (const auto size : test::RealisticSizes(&random, 3000)) {
      const auto line = fmt::format("{} {}\n", size, random());
      added.insert(line);
      ASSERT_TRUE(spool.Add({size, 3, line}));
    }
    std::uint64_t before = UINT64_MAX;
    const auto take = [&](const SizeClasses::Item& item) -> s3::Result<void> {
      EXPECT_LE(item.bytes, before + before / 4 + 1);
      EXPECT_EQ(item.requests, 3u);
      before = item.bytes;
      drained.insert(std::string(item.line));
      return {};
    };
    ASSERT_TRUE(spool.DrainAbove(1 << 20, take));
    for (const auto& line : drained) {
      EXPECT_GT(std::stoull(line), 1u << 20);
      above = std::max<std::uint64_t>(above, std::stoull(line));
    }
    EXPECT_GT(above, 1u << 20) << "no size was above the limit";
    ASSERT_TRUE(spool.Drain(take));
    ASSERT_TRUE(spool.Drain([](const auto&) { return s3::Fail(s3::ErrorKind::kLocal, "not empty"); }));
  }
  EXPECT_EQ(drained, added);
  EXPECT_FALSE(std::filesystem::exists(directory / "spool"));
}

TEST(SizeClassesTest, StopAtTheFirstErrorOfTheCaller) {
  const test::TempDir directory;
  SizeClasses spool(OwnDir::Open(directory.path()).value());
  for (std::uint64_t size : {1, 1000}) ASSERT_TRUE(spool.Add({size, 1, "line\n"}));
  int calls = 0;
  const auto drained = spool.Drain([&](const SizeClasses::Item&) -> s3::Result<void> {
    ++calls;
    return s3::Fail(s3::ErrorKind::kLocal, "enough");
  });
  ASSERT_FALSE(drained);
  EXPECT_EQ(drained.error().message, "enough");
  EXPECT_EQ(calls, 1);
}

}  // namespace size_classes_test
}  // namespace pipeline
