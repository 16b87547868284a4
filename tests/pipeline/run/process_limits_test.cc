// How a run is fitted into the limits of its process, and what it does if descriptors run out nevertheless.
#include "pipeline/run/process_limits.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <vector>

#include "pipeline/runtime/threads.h"
#include "pipeline/source/open_file.h"
#include "s3/base/unique_fd.h"
#include "tests/support/support.h"

namespace pipeline {
namespace process_limits_test {

using testing::HasSubstr;

constexpr std::uint64_t kMib = 1 << 20;
constexpr RunSize kDefault{{}, 512 * kMib};

TEST(FitIntoTest, WithoutLimitsNothingChanges) {
  const auto size = FitInto({}, 1, kDefault).value();
  EXPECT_EQ(size.slots.most, SlotLimits{}.most);
  EXPECT_EQ(size.slots.first, SlotLimits{}.first);
  EXPECT_EQ(size.memory_bytes, kDefault.memory_bytes);
}

TEST(FitIntoTest, EachSlotHasAFileAndAConnection) {
  for (std::uint64_t left = 44; left < 5000; left += 7) {
    const auto size = FitInto({.descriptors = left}, 1, kDefault);
    ASSERT_TRUE(size) << left;
    EXPECT_GE(size->slots.least, 1) << left;
    EXPECT_LE(size->slots.least, size->slots.first) << left;
    EXPECT_LE(size->slots.first, size->slots.most) << left;
    EXPECT_LE(static_cast<std::uint64_t>(2 * size->slots.most) + 36, left) << left;
    EXPECT_EQ(size->memory_bytes, kDefault.memory_bytes);
  }
  EXPECT_EQ(FitInto({.descriptors = 100'000}, 4, kDefault)->slots.most, SlotLimits{}.most);
}

TEST(FitIntoTest, AFixedNumberOfSlotsStaysFixed) {
  const auto size = FitInto({.descriptors = 240}, 1, {{500, 500, 500}, 512 * kMib}).value();
  EXPECT_TRUE(size.slots.fixed());
  EXPECT_LT(size.slots.most, 120);
}

TEST(FitIntoTest, IdleConnectionsOfSeveralLoopsCount) {
  const auto one = FitInto({.descriptors = 1000}, 1, kDefault)->slots.most;
  const auto four = FitInto({.descriptors = 1000}, 4, kDefault)->slots.most;
  EXPECT_NEAR(four, one * 2 / 3, 2);
}

TEST(FitIntoTest, StacksAndBodiesShareTheAddresses) {
  int before = 0;
  for (const std::uint64_t mib : {70, 100, 200, 500, 1000, 4000}) {
    const auto size = FitInto({.address_bytes = mib * kMib}, 1, kDefault);
    ASSERT_TRUE(size) << mib;
    EXPECT_GE(size->slots.most, before) << mib;
    EXPECT_GE(size->memory_bytes, 16 * kMib) << mib;
    EXPECT_LT(static_cast<std::uint64_t>(size->slots.most) * kSlotStackBytes + size->memory_bytes,
              mib * kMib);
    before = size->slots.most;
  }
}

TEST(FitIntoTest, AGuestCountsItsThreadsTheWorkersOfTheProgramAndTheirStacks) {
  constexpr std::uint64_t kStack = 4 * kMib;
  const auto use = AddressUseOfGuest(10, kStack);
  EXPECT_EQ(use.slot_stack, kStack);
  EXPECT_GT(use.beside_slots, 10 * 64 * kMib);
  EXPECT_GT(use.beside_slots, AddressUseOfGuest(9, kStack).beside_slots);
  EXPECT_THAT(FitInto({.address_bytes = use.beside_slots}, 1, kDefault, use).error().message,
              HasSubstr("ulimit -v"));
  for (const std::uint64_t mib : {40, 100, 1000}) {
    const auto left = use.beside_slots + mib * kMib;
    const auto size = FitInto({.address_bytes = left}, 1, kDefault, use);
    ASSERT_TRUE(size) << mib;
    const auto stacks = static_cast<std::uint64_t>(size->slots.most) * kStack;
    EXPECT_LE(use.beside_slots + stacks + size->memory_bytes, left) << mib;
  }
}

TEST(FitIntoTest, LimitsThatAreTooSmallAreNamed) {
  for (const std::uint64_t left : {0, 20, 43}) {
    const auto size = FitInto({.descriptors = left}, 1, kDefault);
    ASSERT_FALSE(size) << left;
    EXPECT_THAT(size.error().message, HasSubstr("ulimit -n"));
  }
  for (const std::uint64_t mib : {0, 40}) {
    const auto size = FitInto({.address_bytes = mib * kMib}, 1, kDefault);
    ASSERT_FALSE(size) << mib;
    EXPECT_THAT(size.error().message, HasSubstr("ulimit -v"));
  }
}

TEST(ProcessLimitsTest, OpenDescriptorsAreSubtracted) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit small{std::min<rlim_t>(limit.rlim_max, 1000), limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
  const auto before = ReadProcessLimits();
  const s3::UniqueFd one(open("/", O_RDONLY | O_CLOEXEC)), two(open("/", O_RDONLY | O_CLOEXEC));
  const auto after = ReadProcessLimits();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_TRUE(before.descriptors && after.descriptors);
  EXPECT_EQ(*before.descriptors, *after.descriptors + 2);
}

// The error has a code of its own, so that callers can wait for a descriptor.
TEST(ProcessLimitsTest, AFileThatFindsNoDescriptorFailsWithItsOwnCode) {
  const test::TempDir directory;
  const InputFile file{
      .path = directory.Write("file", "four"), .key = "file", .size_bytes = 4, .follow_symlink = true};
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const s3::UniqueFd lowest_free(open("/", O_RDONLY | O_CLOEXEC));
  const rlimit none_left{static_cast<rlim_t>(lowest_free.get()), limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const auto opened = OpenFile::Open(file);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, kNoDescriptor);
  EXPECT_TRUE(OpenFile::Open(file));
}

TEST(FitThreadsTest, WalkersAreReducedFirstThenLoopsThenWorkers) {
  const RunThreads wanted{8, 3, 8};
  const int all = CountOf(wanted);
  for (int startable = all + 5; startable >= CountOf({}); --startable) {
    const auto threads = FitThreads(startable, wanted);
    ASSERT_TRUE(threads) << startable;
    EXPECT_EQ(CountOf(*threads), std::min(startable, all));
    EXPECT_TRUE(threads->walkers == 1 || (threads->event_loops == 3 && threads->workers == 8)) << startable;
    EXPECT_TRUE(threads->event_loops == 1 || threads->workers == 8) << startable;
  }
  EXPECT_FALSE(FitThreads(CountOf({}) - 1, wanted));
}

TEST(ThreadsTest, AllThreadsStartWithoutALimit) {
  EXPECT_EQ(ThreadsThatStart(0), 0);
  EXPECT_EQ(ThreadsThatStart(5), 5);
}

}  // namespace process_limits_test
}  // namespace pipeline
