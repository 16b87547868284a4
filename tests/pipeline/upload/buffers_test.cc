#include "pipeline/upload/buffers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/support.h"

namespace pipeline {
namespace {

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

}  // namespace
}  // namespace pipeline
