#include "s3/admission/wait_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace s3 {
namespace wait_queue_test {

using Entry = WaitQueue::Entry;
using Priority = WaitQueue::Priority;
using State = WaitQueue::State;
using testing::ElementsAre;
using testing::IsEmpty;

// Entries that are suspended; waking one appends its number and destroys it, as the end of its task would.
class WaitQueueTest : public testing::Test {
 protected:
  struct Task {
    WaitQueueTest* test;
    int number;
    Entry entry;
  };
  Entry* Push(int number, Priority priority, bool suspended = true) {
    auto& task = tasks_[static_cast<std::size_t>(number)];
    task = std::make_unique<Task>(Task{this, number, {}});
    queue_.Push(&task->entry, priority);
    if (suspended) task->entry.wake = Wake{OnWake, task.get()};
    return &task->entry;
  }
  static void OnWake(void* argument) {
    auto* const task = static_cast<Task*>(argument);
    task->test->woken_.push_back(task->number);
    task->test->tasks_[static_cast<std::size_t>(task->number)].reset();
  }

  WaitQueue queue_;
  std::vector<std::unique_ptr<Task>> tasks_ = std::vector<std::unique_ptr<Task>>(10);
  std::vector<int> woken_;
};

TEST_F(WaitQueueTest, ServesRetriesFirstAndEachInOrder) {
  Push(0, Priority::kNew);
  Push(1, Priority::kRetry);
  Push(2, Priority::kNew);
  Push(3, Priority::kRetry);
  WaitQueue::Woken woken;
  while (!queue_.empty()) queue_.ResolveFront(State::kAdmitted, &woken);
  EXPECT_EQ(queue_.front(), nullptr);
  EXPECT_THAT(woken_, IsEmpty()) << "not before WakeAll()";
  woken.WakeAll();
  EXPECT_THAT(woken_, ElementsAre(1, 3, 0, 2));
}

TEST_F(WaitQueueTest, DoesNotWakeATaskThatIsNotSuspended) {
  Entry* const entry = Push(0, Priority::kNew, /*suspended=*/false);
  WaitQueue::Woken woken;
  queue_.ResolveFront(State::kRejected, &woken);
  woken.WakeAll();
  EXPECT_THAT(woken_, IsEmpty());
  EXPECT_EQ(entry->state, State::kRejected);
}

TEST_F(WaitQueueTest, TheFirstEntryLeadsUntilItIsReplaced) {
  Entry* const first = Push(0, Priority::kNew, /*suspended=*/false);
  Push(1, Priority::kRetry);
  EXPECT_TRUE(queue_.IsLeader(first)) << "although the other one is served before it";
  WaitQueue::Woken woken;
  queue_.ResolveFront(State::kAdmitted, &woken);
  queue_.ResolveFront(State::kAdmitted, &woken);
  woken.WakeAll();
  Entry* const late = Push(2, Priority::kNew);
  EXPECT_TRUE(queue_.IsLeader(first)) << "also when it is resolved";
  const auto wake = queue_.ReplaceLeader();
  EXPECT_TRUE(queue_.IsLeader(late));
  ASSERT_TRUE(wake);
  (*wake)();
  EXPECT_THAT(woken_, ElementsAre(1, 2));
}

TEST_F(WaitQueueTest, ALeaderIsWokenOnlyOnce) {
  Push(0, Priority::kNew, /*suspended=*/false);
  Entry* const next = Push(1, Priority::kNew);
  WaitQueue::Woken woken;
  queue_.ResolveFront(State::kAdmitted, &woken);
  ASSERT_TRUE(queue_.ReplaceLeader());
  queue_.ResolveFront(State::kAdmitted, &woken);
  woken.WakeAll();
  EXPECT_THAT(woken_, IsEmpty());
  EXPECT_EQ(next->state, State::kAdmitted);
  EXPECT_FALSE(queue_.ReplaceLeader()) << "nobody waits";
}

TEST_F(WaitQueueTest, AnyEntryCanBeRemoved) {
  for (int removed = 0; removed < 3; ++removed) {
    std::vector<Entry*> entries;
    for (int i = 0; i < 3; ++i) entries.push_back(Push(i, Priority::kNew));
    queue_.Remove(entries[static_cast<std::size_t>(removed)]);
    Push(3, Priority::kNew);
    WaitQueue::Woken woken;
    while (!queue_.empty()) queue_.ResolveFront(State::kAdmitted, &woken);
    woken_.clear();
    woken.WakeAll();
    std::vector<int> expected{0, 1, 2, 3};
    std::erase(expected, removed);
    EXPECT_EQ(woken_, expected);
    queue_.ReplaceLeader();
  }
}

}  // namespace wait_queue_test
}  // namespace s3
