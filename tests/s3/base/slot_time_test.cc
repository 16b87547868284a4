#include "s3/base/slot_time.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "s3/base/waiter.h"

namespace s3 {
namespace slot_time_test {

using namespace std::chrono_literals;
using Clock = SlotTime::Clock;

class SlotTimeTest : public testing::Test {
 protected:
  double Sum(const SlotTimeReader::Reading& reading) {
    double sum = 0;
    for (const double seconds : reading.seconds.values) sum += seconds;
    return sum;
  }

  const Clock::time_point start_ = Clock::time_point(100h);
  SlotTime account_{start_};
  SlotTimeReader reader_{&account_, start_};
};

TEST_F(SlotTimeTest, EachStateHasTheTimeOfItsSlots) {
  account_.Enter(SlotState::kSource, 2, start_);
  account_.Move(SlotState::kSource, SlotState::kCpu, start_ + 1s);
  account_.Move(SlotState::kCpu, SlotState::kFirstByte, start_ + 4s);
  const auto reading = reader_.Read(start_ + 10s);
  EXPECT_DOUBLE_EQ(reading.seconds[SlotState::kSource], 1 + 10);
  EXPECT_DOUBLE_EQ(reading.seconds[SlotState::kCpu], 3);
  EXPECT_DOUBLE_EQ(reading.seconds[SlotState::kFirstByte], 6);
  EXPECT_EQ(reading.slots[SlotState::kFirstByte], 1);
  EXPECT_EQ(reading.slots[SlotState::kCpu], 0);
}

TEST_F(SlotTimeTest, AReadingIncludesSlotsThatHaveNotMovedYet) {
  account_.Enter(SlotState::kFirstByte, 3, start_);
  EXPECT_DOUBLE_EQ(reader_.Read(start_ + 1s).seconds[SlotState::kFirstByte], 3);
  EXPECT_DOUBLE_EQ(reader_.Read(start_ + 2s).seconds[SlotState::kFirstByte], 6);
}

TEST_F(SlotTimeTest, TheSumOfAllStatesIsSlotsTimesTimeInAnyOrderOfMoves) {
  constexpr int kSlots = 500;
  std::mt19937 random(7);
  std::vector<SlotState> states(kSlots, SlotState::kSource);
  account_.Enter(SlotState::kSource, kSlots, start_);
  auto now = start_;
  for (int i = 0; i < 100'000; ++i) {
    now += std::chrono::microseconds(random() % 100);
    auto& state = states[random() % kSlots];
    const auto next = static_cast<SlotState>(random() % kSlotStates);
    account_.Move(state, next, now - std::chrono::microseconds(random() % 50));  // a time that is a bit old
    state = next;
  }
  const auto reading = reader_.Read(now);
  const std::chrono::duration<double> elapsed = now - start_;
  EXPECT_NEAR(Sum(reading), kSlots * elapsed.count(), 1e-3);
  for (std::size_t i = 0; i < kSlotStates; ++i) {
    EXPECT_EQ(reading.slots.values[i], std::count(states.begin(), states.end(), static_cast<SlotState>(i)));
    EXPECT_GE(reading.seconds.values[i], 0);
  }
}

// The words wrap around after 2^48 slot-microseconds, that is after 2.4 hours with 32,767 slots.
TEST_F(SlotTimeTest, ReadingsSurviveTheWrapAround) {
  constexpr int kSlots = 32'000;
  account_.Enter(SlotState::kFirstByte, kSlots, start_);
  for (int hour = 1; hour <= 100; ++hour) {
    const auto reading = reader_.Read(start_ + hour * 1h);
    ASSERT_DOUBLE_EQ(reading.seconds[SlotState::kFirstByte], kSlots * hour * 3600.0) << hour;
    ASSERT_EQ(reading.slots[SlotState::kFirstByte], kSlots);
  }
}

TEST_F(SlotTimeTest, ThreadsMayMoveSlotsAtTheSameTime) {
  constexpr int kThreads = 20, kMoves = 2000;
  account_.Enter(SlotState::kCpu, kThreads, start_);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([this] {
        for (int move = 0; move < kMoves; ++move) {
          account_.Move(SlotState::kCpu, SlotState::kSending, start_ + move * 1ms);
          account_.Move(SlotState::kSending, SlotState::kCpu, start_ + move * 1ms + 250us);
        }
      });
    }
  }
  const auto reading = reader_.Read(start_ + kMoves * 1ms);
  EXPECT_NEAR(reading.seconds[SlotState::kSending], kThreads * kMoves * 250e-6, 1e-6);
  EXPECT_NEAR(Sum(reading), kThreads * kMoves * 1e-3, 1e-6);
  EXPECT_EQ(reading.slots[SlotState::kCpu], kThreads);
}

TEST_F(SlotTimeTest, EachStateHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kSlotStates; ++i) names.insert(NameOf(static_cast<SlotState>(i)));
  EXPECT_EQ(names.size(), kSlotStates);
  EXPECT_FALSE(names.contains(""));
  EXPECT_EQ(NameOf(SlotState::kSource), "source");
  EXPECT_EQ(NameOf(SlotState::kFirstByte), "first_byte");
  EXPECT_EQ(NameOf(SlotState::kJournal), "journal");
}

TEST_F(SlotTimeTest, TheOwnerOfAWakeSaysWhatTheTaskWaitsFor) {
  SlotTime account;
  account.Enter(SlotState::kCpu, 1, Clock::now());
  SlotTimeReader reader(&account, Clock::now());
  BlockingWaiter(&account).Wait(SlotState::kConnecting, [&](Wake wake) {
    EXPECT_EQ(reader.Read(Clock::now()).slots[SlotState::kConnecting], 1);
    wake.WaitFor(SlotState::kSending, Clock::now());
    EXPECT_EQ(reader.Read(Clock::now()).slots[SlotState::kSending], 1);
    wake();
  });
  EXPECT_EQ(reader.Read(Clock::now()).slots[SlotState::kCpu], 1);
}

}  // namespace slot_time_test
}  // namespace s3
