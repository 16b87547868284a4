#include "s3/transport/command_queue.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "s3/transport/direct/exchange.h"

namespace s3 {
namespace command_queue_test {

bool IsReadable(const CommandQueue<Exchange>& queue) {
  pollfd polled{queue.fd(), POLLIN, 0};
  return poll(&polled, 1, 0) == 1;
}

const Wake kNoWake{[](void*) {}, nullptr};

TEST(CommandQueueTest, TheDescriptorIsReadableWhileCommandsWait) {
  CommandQueue<Exchange> queue;
  EXPECT_FALSE(IsReadable(queue));
  queue.Add({}, kNoWake);
  EXPECT_TRUE(IsReadable(queue));
  queue.Add({}, kNoWake);
  EXPECT_EQ(queue.Take().timers.size(), 2u);
  EXPECT_FALSE(IsReadable(queue));
  queue.Add({}, kNoWake);
  EXPECT_TRUE(IsReadable(queue));
}

TEST(CommandQueueTest, TakeYieldsTheExchangesInTheirOrder) {
  const TransportOptions options;
  CommandQueue<Exchange> queue;
  auto first = std::make_unique<Exchange>(options), second = std::make_unique<Exchange>(options);
  const Exchange *const first_address = first.get(), *const second_address = second.get();
  queue.Add(std::move(first));
  queue.Add(std::move(second));
  const auto batch = queue.Take();
  ASSERT_EQ(batch.exchanges.size(), 2u);
  EXPECT_EQ(batch.exchanges[0].get(), first_address);
  EXPECT_EQ(batch.exchanges[1].get(), second_address);
  EXPECT_TRUE(queue.Take().exchanges.empty());
}

TEST(CommandQueueTest, FlagsStayInAllLaterBatches) {
  CommandQueue<Exchange> queue;
  EXPECT_FALSE(queue.Take().abort);
  queue.CancelTimers();
  queue.Abort();
  queue.Quit();
  for (int i = 0; i < 2; ++i) {
    const auto batch = queue.Take();
    EXPECT_TRUE(batch.cancel_timers && batch.abort && batch.quit);
  }
}

TEST(CommandQueueTest, RecycledExchangesAreUsedAgain) {
  const TransportOptions options;
  CommandQueue<Exchange> queue;
  EXPECT_EQ(queue.TakeRecycled(), nullptr);
  std::vector<std::unique_ptr<Exchange>> finished;
  finished.push_back(std::make_unique<Exchange>(options));
  const Exchange* const address = finished.front().get();
  queue.Recycle(&finished);
  EXPECT_TRUE(finished.empty());
  EXPECT_EQ(queue.TakeRecycled().get(), address);
  EXPECT_EQ(queue.TakeRecycled(), nullptr);
}

TEST(CommandQueueTest, NoCommandOfManyThreadsIsLost) {
  constexpr int kThreads = 4, kEach = 2'000;
  CommandQueue<Exchange> queue;
  std::atomic<int> woken{0};
  const Wake count{[](void* counter) { ++*static_cast<std::atomic<int>*>(counter); }, &woken};
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) queue.Add({}, count);
    });
  }
  // Like the loop: takes a batch only when the descriptor is readable.
  for (pollfd polled{queue.fd(), POLLIN, 0}; woken < kThreads * kEach;) {
    ASSERT_EQ(poll(&polled, 1, -1), 1);
    for (const auto& [deadline, wake] : queue.Take().timers) wake();
  }
}

}  // namespace command_queue_test
}  // namespace s3
