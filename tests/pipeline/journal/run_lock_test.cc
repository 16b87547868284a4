#include "pipeline/journal/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <filesystem>
#include <thread>
#include <vector>

#include "tests/support/support.h"

namespace pipeline {
namespace run_lock_test {

using testing::HasSubstr;

constexpr timespec kLongAgo[] = {{1, 0}, {1, 0}};

bool CanAcquire(const OwnDir& run_dir) {
  return RunLock::Acquire(run_dir, [] {}).has_value();
}

TEST(RunLockTest, TakesOverAReleasedLock) {
  const test::TempDir directory;
  const auto run_dir = OwnDir::Open(directory.path()).value();
  EXPECT_FALSE(RunLock::IsHeld(run_dir, std::time(nullptr)));
  {
    const auto lock = RunLock::Acquire(run_dir, [] {});
    EXPECT_TRUE(lock);
    EXPECT_TRUE(RunLock::IsHeld(run_dir, std::time(nullptr)));
    EXPECT_FALSE(CanAcquire(run_dir));
  }
  EXPECT_FALSE(RunLock::IsHeld(run_dir, std::time(nullptr)));
  EXPECT_TRUE(CanAcquire(run_dir));
}

TEST(RunLockTest, TakesOverTheLockOfADeadProcessOfThisMachine) {
  const test::TempDir directory;
  const auto run_dir = OwnDir::Open(directory.path()).value();
  EXPECT_TRUE(CanAcquire(run_dir));
  const auto first = test::ReadAll(directory / "locks/1");
  const auto realm = first.substr(0, first.find('\n'));
  directory.Write("locks/2", realm + "\nhere\n999999999\n1\n");
  EXPECT_TRUE(CanAcquire(run_dir));
}

TEST(RunLockTest, TakesOverTheLockOfAnotherMachineOnceItIsStale) {
  const test::TempDir directory;
  const auto run_dir = OwnDir::Open(directory.path()).value();
  directory.Write("locks/5", "another boot/pid:[1]\nelsewhere\n1\n1\n");
  const auto held = RunLock::Acquire(run_dir, [] {});
  ASSERT_FALSE(held);
  EXPECT_THAT(held.error().message, HasSubstr("process 1 on elsewhere, which renewed its lock"));
  utimensat(AT_FDCWD, (directory / "locks/5").c_str(), kLongAgo, 0);
  EXPECT_TRUE(CanAcquire(run_dir));
}

TEST(RunLockTest, JudgesAProcessOfAnUnknownRealmByTheAgeOfItsLock) {
  const test::TempDir directory;
  const auto run_dir = OwnDir::Open(directory.path()).value();
  EXPECT_TRUE(CanAcquire(run_dir));
  directory.Write("locks/2", "\nhere\n1\n0\n");  // written without /proc
  EXPECT_FALSE(CanAcquire(run_dir));
  utimensat(AT_FDCWD, (directory / "locks/2").c_str(), kLongAgo, 0);
  EXPECT_TRUE(CanAcquire(run_dir));
}

TEST(RunLockTest, KeepsEightLocksAndLeavesNoOtherFiles) {
  const test::TempDir directory;
  const auto run_dir = OwnDir::Open(directory.path()).value();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(CanAcquire(run_dir));
  directory.Write("locks/3", "a file of another program");
  EXPECT_TRUE(CanAcquire(run_dir));
  std::vector<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "locks")) {
    numbers.push_back(std::stoi(entry.path().filename()));
  }
  EXPECT_THAT(numbers, testing::UnorderedElementsAre(3, 13, 14, 15, 16, 17, 18, 19, 20, 21));
}

// Field 3 is the state, 20 the number of threads, 22 the start.
std::string StatOf(const std::string& state, int threads) {
  return fmt::format("77 (a ) b) {} 1 77 77 0 -1 4 0 0 0 0 0 0 0 0 20 0 {} 0 4711 0 0", state, threads);
}

TEST(RunLockTest, AZombieHasEndedUnlessItsOtherThreadsRun) {
  EXPECT_EQ(ParseProcessState(StatOf("S", 1)).start, 4711u);
  EXPECT_FALSE(ParseProcessState(StatOf("S", 1)).has_ended);
  EXPECT_FALSE(ParseProcessState(StatOf("D", 9)).has_ended);
  EXPECT_TRUE(ParseProcessState(StatOf("Z", 1)).has_ended);
  EXPECT_TRUE(ParseProcessState(StatOf("X", 0)).has_ended);
  EXPECT_FALSE(ParseProcessState(StatOf("Z", 3)).has_ended) << "one of its threads may be writing";
  EXPECT_EQ(ParseProcessState("").start, 0u);
  EXPECT_EQ(ParseProcessState("77 (name)").start, 0u);
}

TEST(RunLockTest, OneOfManyThreadsGetsIt) {
  for (int round = 0; round < 50; ++round) {
    const test::TempDir directory;
    std::atomic<int> holders{0}, max_holders{0}, acquired{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto lock = RunLock::Acquire(OwnDir::Open(directory.path()).value(), [] {});
        if (!lock) return;
        ++acquired;
        max_holders = std::max(max_holders.load(), ++holders);
        std::this_thread::yield();
        --holders;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_GE(acquired, 1);
    EXPECT_EQ(max_holders, 1);
  }
}

}  // namespace run_lock_test
}  // namespace pipeline
