// The account of the slots: each slot is in one state at a time, whatever happens to it.
#include "pipeline/graph/idle_slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/graph/graph.h"
#include "pipeline/timing/verdict.h"
#include "pipeline/upload/object.h"
#include "s3/base/slot_time.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace idle_slots_test {

using s3::SlotState;
using Clock = s3::SlotTime::Clock;
using Reading = s3::SlotTimeReader::Reading;

UploadTask Task(int number) {
  return {std::make_shared<Object>(
      std::make_shared<InputFile>(InputFile{std::to_string(number), std::to_string(number)}),
      s3::PartPlan{})};
}

Reading Read(const s3::SlotTime& slot_time) {
  const auto now = Clock::now();
  return s3::SlotTimeReader(&slot_time, now).Read(now);
}

int CountAll(const Reading& reading) {
  return std::accumulate(reading.slots.values.begin(), reading.slots.values.end(), 0);
}

TEST(IdleSlotsTest, LosesNoSlotThatComesOrGoesDuringAChangeOfState) {
  s3::SlotTime slot_time;
  IdleSlots idle(&slot_time);
  idle.Add(100, Clock::now());
  {
    const std::jthread tasks([&] {
      for (int i = 0; i < 20'000; ++i) {
        idle.Remove(3, Clock::now());
        idle.Add(3, Clock::now());
      }
    });
    for (int i = 0; i < 20'000; ++i) idle.SetState(i % 2 == 0 ? SlotState::kFinished : SlotState::kSource);
  }
  EXPECT_EQ(Read(slot_time).slots[SlotState::kSource], 100);
  EXPECT_EQ(CountAll(Read(slot_time)), 100);
}

TEST(GraphSlotTimeTest, KnowsWhatEachSlotWaitsFor) {
  constexpr int kSlots = 10, kTasks = 8;
  Graph graph({kSlots, 2});
  int next = 0;
  std::mutex mutex;
  std::vector<s3::Wake> waiting;
  std::optional<s3::Wake> source;
  Reading reading;
  // Called when the source or a task begins to wait. When all wait, looks at the account and ends the waits.
  const auto wait = [&](s3::Wake wake, bool is_source) {
    std::unique_lock lock(mutex);
    if (is_source) {
      source = wake;
    } else {
      wake.WaitFor(SlotState::kSending, Clock::now());
      waiting.push_back(wake);
    }
    if (waiting.size() < kTasks || !source) return;
    reading = Read(*graph.slot_time());
    const auto woken = std::exchange(waiting, {});
    const auto woken_source = *std::exchange(source, std::nullopt);
    lock.unlock();
    woken_source();
    for (const auto& each : woken) each();
  };
  graph.Run({.next = [&]() -> std::optional<SourceItem> {
               if (next < kTasks) return Task(next++);
               if (next++ == kTasks) {
                 graph.source_waiter()->Wait(SlotState::kFinished, [&](s3::Wake wake) { wait(wake, true); });
               }
               return std::nullopt;
             },
             .upload = [&](const UploadTask&) -> std::optional<ObjectResult> {
               graph.waiter()->Wait(SlotState::kConnecting, [&](s3::Wake wake) { wait(wake, false); });
               return ObjectResult{};
             },
             .record = [](const ObjectResult&) {}});
  EXPECT_EQ(reading.slots[SlotState::kSending], kTasks);
  EXPECT_EQ(reading.slots[SlotState::kFinished], kSlots - kTasks);
  EXPECT_EQ(CountAll(reading), kSlots);
  const auto end = Read(*graph.slot_time());
  EXPECT_EQ(end.slots[SlotState::kFinished], kSlots) << "an exhausted source keeps all slots";
  EXPECT_EQ(CountAll(end), kSlots);
}

TEST(GraphSlotTimeTest, LosesNoSlotWhenTheirNumberChangesAndTasksHoldSeveral) {
  Graph graph({64, 2});
  int next = 0, circulating = 8;
  graph.Run({.next = [&]() -> std::optional<SourceItem> {
               if (next == 500) return std::nullopt;
               if (++next % 7 == 0) return ObjectResult{};
               return Task(next);
             },
             .upload = [&](const UploadTask& task) -> std::optional<ObjectResult> {
               graph.waiter()->Wait(SlotState::kSending, [](s3::Wake wake) { wake(); });
               return ObjectResult{.file = task.object->shared_file()};
             },
             .record = [](const ObjectResult&) {},
             .weigh = [&](const SourceItem&) { return 1 + next % 5; },
             .next_slots =
                 [&](const TaskStats& task) {
                   const int slots = std::max(task.slots + (circulating < 20 ? 3 : -1), 0);
                   circulating += slots - task.slots;
                   return slots;
                 },
             .first_slots = 8});
  const auto end = Read(*graph.slot_time());
  EXPECT_EQ(end.slots[SlotState::kFinished], circulating);
  EXPECT_EQ(CountAll(end), circulating);
}

TEST(GraphSlotTimeTest, TasksThatOnlyComputeAreLimitedByTheCpu) {
  Graph graph({8, 2});
  const std::string bytes(1 << 20, 'x');
  int next = 0;
  s3::SlotTimeReader reader(graph.slot_time(), Clock::now());
  graph.Run({.next = [&]() -> std::optional<SourceItem> {
               if (next == 100) return std::nullopt;
               return Task(next++);
             },
             .upload = [&](const UploadTask& task) -> std::optional<ObjectResult> {
               EXPECT_FALSE(s3::Sha256Hex(bytes).empty());
               return ObjectResult{.file = task.object->shared_file()};
             },
             .record = [](const ObjectResult&) {}});
  const auto seconds = reader.Read(Clock::now()).seconds;
  EXPECT_EQ(LimitOf(seconds, 1), "cpu");
  EXPECT_EQ(VerdictOf({.slot_seconds = seconds, .seconds = 1, .cores = 2}).limit, "cpu");
}

}  // namespace idle_slots_test
}  // namespace pipeline
