#include "pipeline/plan/manifest_writer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "pipeline/plan/job_plan.h"
#include "tests/support/support.h"

namespace pipeline {
namespace manifest_writer_test {

TEST(ManifestWriterTest, WritesEachShardItsLinesInOrder) {
  auto random = test::SeededRandom();
  const test::TempDir directory;
  constexpr int kShards = 3000;  // more than a process may have open
  ManifestWriter writer(OwnDir::Open(directory.path()).value(), kShards);
  std::vector<std::string> expected(kShards);
  for (int i = 0; i < 20'000; ++i) {
    const auto shard = random() % (i % 2 == 0 ? kShards : 3);
    const auto line = std::to_string(random()) + std::string(random() % 200, 'x') + "\n";
    expected[shard] += line;
    ASSERT_TRUE(writer.Add(static_cast<int>(shard), line));
  }
  ASSERT_TRUE(writer.Flush());
  for (int shard = 0; shard < kShards; ++shard) {
    EXPECT_EQ(test::ReadAll(directory / ManifestName(shard)), expected[static_cast<std::size_t>(shard)])
        << shard;
  }
}

TEST(ManifestWriterTest, ReportsADirectoryThatItCannotCreate) {
  const test::TempDir directory;
  directory.Write("manifests", "a file");
  ManifestWriter writer(OwnDir::Open(directory.path()).value(), 2);
  EXPECT_FALSE(writer.Flush());
  EXPECT_EQ(test::ReadAll(directory / "manifests"), "a file");
}

}  // namespace manifest_writer_test
}  // namespace pipeline
