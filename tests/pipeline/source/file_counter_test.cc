// How many files and bytes a source has.
#include "pipeline/source/file_counter.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "pipeline/source/walk.h"
#include "tests/support/support.h"

namespace pipeline {
namespace file_counter_test {

// Inputs and bytes.
using Pair = std::pair<std::uint64_t, std::uint64_t>;

Pair Walked(const std::vector<SourceRoot>& roots) {
  Walk walk(roots, "");
  Pair found;
  while (const auto input = walk.Next()) {
    ++found.first;
    if (const auto* file = std::get_if<std::shared_ptr<const InputFile>>(&*input))
      found.second += (*file)->size_bytes;
  }
  return found;
}

Pair Counted(const std::vector<SourceRoot>& roots) {
  const auto counted = CountFiles(roots, [] { return false; }).value();
  return {counted.inputs, counted.bytes};
}

TEST(FileCounterTest, CountsWhatTheWalkYields) {
  const test::TempDir tree;
  for (const char* name : {"a", "b.log", "sub/c", "sub/deep/d.log", "skip/e", "skip/f/g"})
    tree.Write(std::string("data/") + name, "123");
  tree.Write("single", "2");
  ASSERT_EQ(mkfifo((tree / "data/fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("a", tree / "data/link");
  std::filesystem::create_directories(tree / "data/empty");
  const SourceRoot all{.path = tree / "data"}, one{.path = tree / "single"};
  EXPECT_EQ(Counted({all, one}), Pair(9, 19));
  EXPECT_EQ(Walked({all, one}), Pair(9, 19));
  const SourceRoot some{.path = tree / "data", .include = {"**.log"}, .exclude = {"skip/**"}};
  EXPECT_EQ(Counted({some}), Walked({some}));
}

TEST(FileCounterTest, RandomTreesAreCountedAsTheyAreWalked) {
  auto random = test::SeededRandom();
  for (int round = 0; round < 20; ++round) {
    const test::TempDir tree;
    std::filesystem::create_directories(tree / "data");
    for (int i = 0; i < 40; ++i) {
      std::string path = "data";
      for (auto depth = random() % 5; depth > 0; --depth) path += "/d" + std::to_string(random() % 3);
      tree.Write(path + "/f" + std::to_string(i) + (random() % 2 ? ".x" : ".y"),
                 std::string(random() % 9, 'a'));
    }
    const SourceRoot root{.path = tree / "data",
                          .include = {round % 2 ? "**" : "**.x"},
                          .exclude = {round % 3 ? "d1/**" : "none"}};
    EXPECT_EQ(Counted({root}), Walked({root}));
  }
}

TEST(FileCounterTest, WhatCannotBeReadCountsAsOneInput) {
  const test::TempDir tree;
  tree.Write("data/a", "1");
  EXPECT_EQ(Counted({{.path = tree / "missing"}, {.path = tree / "data"}}), Pair(2, 2)) << "the mean size";
}

TEST(FileCounterTest, DoesNotFollowALinkToADirectory) {
  const test::TempDir tree;
  tree.Write("elsewhere/a", "1");
  tree.Write("elsewhere/b", "1");
  tree.Write("data/c", "1");
  std::filesystem::create_directory_symlink(tree / "elsewhere", tree / "data/link");
  EXPECT_EQ(Counted({{.path = tree / "data"}}).first, 2u);
}

TEST(FileCounterTest, ARootMayBeALinkOrAnExcludedFile) {
  const test::TempDir tree;
  tree.Write("data/a", "123");
  std::filesystem::create_symlink("data/a", tree / "file-link");
  std::filesystem::create_directory_symlink("data", tree / "directory-link");
  EXPECT_EQ(Counted({{.path = tree / "file-link"}}), Pair(1, 3));
  EXPECT_EQ(Counted({{.path = tree / "directory-link"}}), Pair(1, 3));
  const SourceRoot excluded{.path = tree / "data/a", .exclude = {"a"}};
  EXPECT_EQ(Counted({excluded}), Walked({excluded}));
}

TEST(FileCounterTest, ReturnsNothingIfStoppedOrIfTheTreeIsTooDeep) {
  const test::TempDir tree;
  std::string path = "data";
  for (std::size_t i = 0; i < kMaxLevels; ++i) path += "/d";
  tree.Write(path + "/a", "1");
  const std::vector<SourceRoot> roots{{.path = tree / "data"}};
  EXPECT_FALSE(CountFiles(roots, [] { return false; }));
  EXPECT_FALSE(CountFiles({{.path = tree / "data/d"}}, [] { return true; }));
  EXPECT_TRUE(CountFiles({{.path = tree / "data/d"}}, [] { return false; }));
}

}  // namespace file_counter_test
}  // namespace pipeline
