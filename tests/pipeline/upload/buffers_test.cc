#include "pipeline/upload/buffers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/counting_waiter.h"
#include "tests/support/support.h"

namespace pipeline {
namespace buffers_test {

TEST(BufferPoolTest, TheBudgetIsNeverExceededAndAllRequestsAreServed) {
  auto random = test::SeededRandom();
  constexpr std::uint64_t kBudget = 1 << 20;
  BufferPool pool(kBudget);
  s3::BlockingWaiter waiter;
  std::atomic<int> served{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, seed = random()] {
      std::mt19937_64 own(seed);
      for (int round = 0; round < 500; ++round) {
        const auto size = own() % BufferPool::LargestRequest(kBudget) + 1;
        auto buffer = pool.Take(size, &waiter);
        ASSERT_EQ(buffer.bytes().size(), size);
        buffer.bytes().front() = buffer.bytes().back() = 'x';
        const auto moved = std::move(buffer);
        ++served;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served, 4000);
  EXPECT_LE(pool.peak_bytes(), kBudget);
  EXPECT_GT(pool.peak_bytes(), kBudget / 2);
}

TEST(BufferPoolTest, EveryRequestUpToTheLargestFits) {
  for (const std::uint64_t budget : {4096u, 5000u, 100'000u, 1'000'000u, 16u << 20}) {
    BufferPool pool(budget);
    s3::BlockingWaiter waiter;
    const auto largest = BufferPool::LargestRequest(budget);
    EXPECT_GT(largest, budget / 2);
    EXPECT_EQ(pool.Take(largest, &waiter).bytes().size(), largest);
    EXPECT_LE(pool.peak_bytes(), budget);
  }
}

TEST(BufferPoolTest, ASmallRequestDoesNotOvertakeALargeOne) {
  BufferPool pool(3 * 4096);
  test::CountingWaiter waiter;
  std::vector<Buffer> held;
  for (int i = 0; i < 3; ++i) held.push_back(pool.Take(4096, &waiter));
  std::vector<std::size_t> served;  // under `mutex`
  std::mutex mutex;
  const auto take = [&](std::size_t bytes) {
    const auto buffer = pool.Take(bytes, &waiter);
    std::lock_guard lock(mutex);
    served.push_back(buffer.bytes().size());
  };
  std::thread large(take, 2 * 4096);
  waiter.WaitFor(1);
  std::thread small(take, 4096);
  waiter.WaitFor(2);
  held.pop_back();  // enough for the small one
  {
    std::lock_guard lock(mutex);
    EXPECT_TRUE(served.empty());
  }
  held.clear();
  large.join();
  small.join();
  EXPECT_EQ(served.size(), 2u);
}

TEST(BufferPoolTest, IdleBuffersOfOtherSizesMakeRoom) {
  BufferPool pool(4 * 4096);
  s3::BlockingWaiter waiter;
  { const auto first = pool.Take(4096, &waiter), second = pool.Take(4096, &waiter); }
  EXPECT_EQ(pool.peak_bytes(), 2u * 4096);
  EXPECT_EQ(pool.Take(4 * 4096, &waiter).bytes().size(), 4u * 4096);
  EXPECT_EQ(pool.peak_bytes(), 4u * 4096) << "idle buffers count until they are unmapped";
}

TEST(BufferPoolTest, AMovedBufferIsReturnedOnce) {
  BufferPool pool(4096);
  s3::BlockingWaiter waiter;
  {
    auto first = pool.Take(10, &waiter);
    Buffer second = std::move(first);
    first = std::move(second);
    EXPECT_EQ(first.bytes().size(), 10u);
  }
  EXPECT_EQ(pool.Take(4096, &waiter).bytes().size(), 4096u) << "all of the budget is free again";
}

}  // namespace buffers_test
}  // namespace pipeline
