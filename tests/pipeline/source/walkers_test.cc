#include "pipeline/source/walkers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <random>
#include <set>
#include <thread>

#include "tests/support/support.h"

namespace pipeline {
namespace walkers_test {

namespace fs = std::filesystem;
using testing::Pair;
using testing::UnorderedElementsAre;

// Writes a tree with a wide directory, deep ones and narrow ones. Returns how many files it has.
std::size_t WriteTree(test::TempDir* tree) {
  std::size_t files = 0;
  const auto write = [&](const std::string& name) {
    tree->Write(name, "");
    ++files;
  };
  for (int i = 0; i < 300; ++i) write("wide/f" + std::to_string(i));
  std::string deep = "deep/";
  for (int i = 0; i < 40; ++i) {
    deep += "d/";
    write(deep + "f");
  }
  for (int i = 0; i < 30; ++i) {
    for (int j = 0; j < 3; ++j) write(fmt::format("narrow/{}/{}/f", i, j));
  }
  return files;
}

// Divides a walk whenever `divide` returns true. Returns the keys found, and the number of parts.
std::pair<std::multiset<std::string>, std::size_t> WalkDivided(Walk whole,
                                                               const std::function<bool()>& divide) {
  std::multiset<std::string> keys;
  std::vector<Walk> parts;
  parts.push_back(std::move(whole));
  std::size_t divided = 1;
  while (!parts.empty()) {
    std::optional<Input> found;
    if (!parts.back().Step(&found)) {
      parts.pop_back();
      continue;
    }
    if (found) keys.insert(std::get<std::shared_ptr<const InputFile>>(*found)->key);
    if (!divide()) continue;
    if (auto other = parts.back().Split()) {
      parts.push_back(std::move(*other));
      ++divided;
    }
  }
  return {keys, divided};
}

TEST(WalkSplitTest, PartsYieldEverythingOnceWhereverTheyAreSplit) {
  test::TempDir tree;
  const auto files = WriteTree(&tree);
  const auto expected = WalkDivided(Walk({SourceRoot{.path = tree.path()}}, ""), [] { return false; }).first;
  ASSERT_EQ(expected.size(), files);
  auto random = test::SeededRandom();
  for (const unsigned every : {1u, 2u, 7u, 30u}) {
    const auto [keys, parts] =
        WalkDivided(Walk({SourceRoot{.path = tree.path()}}, ""), [&] { return random() % every == 0; });
    EXPECT_EQ(keys, expected);
    EXPECT_GT(parts, 1u);
  }
}

TEST(WalkSplitTest, APartStaysInItsRoot) {
  test::TempDir tree;
  for (const char* name : {"a/1", "a/2", "a/3", "b/4"}) tree.Write(name, "");
  Walk walk({SourceRoot{.path = tree / "a"}, SourceRoot{.path = tree / "b"}}, "");
  ASSERT_TRUE(walk.Next());
  auto other = walk.Split();
  ASSERT_TRUE(other);
  std::size_t rest = 0;
  while (walk.Next()) ++rest;
  EXPECT_TRUE(other->Next());
  EXPECT_FALSE(other->Next());
  EXPECT_EQ(rest, 2u);
}

TEST(WalkSplitTest, EachPartDetectsLoops) {
  test::TempDir tree;
  for (int i = 0; i < 20; ++i) {
    tree.Write(fmt::format("d/{}/f", i), "");
    fs::create_symlink("..", tree / fmt::format("d/{}/up", i));
  }
  auto root = SourceRoot{.path = tree.path()};
  root.follow_symlinks = true;
  std::mutex mutex;
  std::map<std::string, int> found;
  EXPECT_TRUE(WalkInThreads(Walk({root}, ""), [&](Input input) {
    std::lock_guard lock(mutex);
    const auto* result = std::get_if<ObjectResult>(&input);
    ++found[result != nullptr ? result->reason : "file"];
    return Backpressure::kStarving;
  }));
  EXPECT_THAT(
      found, UnorderedElementsAre(Pair("file", 20), Pair("a symbolic link to a directory above itself", 20)));
}

TEST(WalkersTest, SeveralThreadsYieldEverythingOnce) {
  test::TempDir tree;
  const auto files = WriteTree(&tree);
  std::mutex mutex;
  std::multiset<std::string> keys;
  EXPECT_TRUE(WalkInThreads(Walk({SourceRoot{.path = tree.path()}}, ""), [&](Input input) {
    std::lock_guard lock(mutex);
    keys.insert(std::get<std::shared_ptr<const InputFile>>(input)->key);
    return Backpressure::kStarving;
  }));
  EXPECT_EQ(keys.size(), files);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), files);
}

TEST(WalkersTest, OneDirectoryIsDividedAmongAllThreads) {
  test::TempDir tree;
  WriteTree(&tree);
  auto root = SourceRoot{.path = tree / "wide"};
  root.threads = 4;
  std::mutex mutex;
  std::condition_variable all_there;
  std::set<std::thread::id> threads;
  const auto caller = std::this_thread::get_id();
  int yields_of_caller = 0;
  EXPECT_TRUE(WalkInThreads(Walk({root}, ""), [&](Input) {
    std::unique_lock lock(mutex);
    threads.insert(std::this_thread::get_id());
    all_there.notify_all();
    // The other threads keep their first part until all threads are there. The caller splits off a part after
    // each of its yields.
    if (std::this_thread::get_id() != caller || ++yields_of_caller > 4) {
      all_there.wait(lock, [&] { return threads.size() == 4; });
    }
    return Backpressure::kStarving;
  }));
  EXPECT_EQ(threads.size(), 4u);
}

TEST(WalkersTest, StartsNoThreadsWhileTheConsumerIsSaturated) {
  test::TempDir tree;
  WriteTree(&tree);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  EXPECT_TRUE(WalkInThreads(Walk({SourceRoot{.path = tree / "wide"}}, ""), [&](Input) {
    std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    return Backpressure::kSaturated;
  }));
  // One more may have started before the first yield returned.
  EXPECT_LE(threads.size(), 2u);
}

TEST(WalkersTest, EndsOnKStopAndPassesExceptionsOn) {
  test::TempDir tree;
  const auto files = WriteTree(&tree);
  std::atomic<std::size_t> yielded = 0;
  EXPECT_FALSE(WalkInThreads(Walk({SourceRoot{.path = tree.path()}}, ""), [&](Input) {
    return ++yielded < 100 ? Backpressure::kStarving : Backpressure::kStop;
  }));
  EXPECT_LT(yielded, files);
  yielded = 0;
  EXPECT_THROW(WalkInThreads(Walk({SourceRoot{.path = tree.path()}}, ""),
                             [&](Input) {
                               if (++yielded >= 100) throw std::bad_alloc();
                               return Backpressure::kStarving;
                             }),
               std::bad_alloc);
  EXPECT_LT(yielded, files);
}

}  // namespace walkers_test
}  // namespace pipeline
