#include "s3/admission/admission_controller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace s3 {
namespace admission_controller_test {

using namespace std::chrono_literals;
using Outcome = CircuitBreaker::Outcome;

// Makes requests to a store whose state the test sets. The tests make them in several threads.
class AdmissionControllerTest : public testing::Test {
 protected:
  AdmissionController::WaitContext Context() {
    return {&waiter_,
            [this](std::chrono::milliseconds delay, SlotState) {
              std::unique_lock lock(mutex_);
              changed_.wait_for(lock, delay, [this] { return stopping_; });
            },
            [this] {
              ++probes_;
              return is_there_.load();
            }};
  }
  bool Request(Outcome outcome, AdmissionController::Request request = {.bytes = 1}) {
    auto ticket = admission_.Acquire(request, Context());
    if (ticket) ticket->Release(outcome);
    return ticket.has_value();
  }
  // Fails until the breaker opens.
  void BreakStore() {
    is_there_ = false;
    ASSERT_TRUE(Request(Outcome::kResponded));
    for (int i = 0; i < CircuitBreaker::kMinFailures; ++i) ASSERT_TRUE(Request(Outcome::kUnavailable));
  }
  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    admission_.Cancel();
  }

  BlockingWaiter waiter_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::atomic<bool> is_there_{true};
  std::atomic<int> probes_{0}, gave_up_{0};
  RateLimits limits_;
  std::vector<std::string> notices_;
  AdmissionController admission_{&limits_,
                                 {.notice = [this](std::string_view text) { notices_.emplace_back(text); },
                                  .give_up = [this](const std::string&) { ++gave_up_; },
                                  .patience = 300ms}};
};

TEST_F(AdmissionControllerTest, RequestsWaitDuringAnOutageAndAllAreSentAfterIt) {
  BreakStore();
  std::atomic<int> waited_out{0}, sent{0};
  std::vector<std::thread> tasks;
  for (int i = 0; i < 40; ++i) {
    tasks.emplace_back([&, i] {
      const bool is_retry = i % 2 == 0;
      if (is_retry) waited_out += admission_.WaitOutOutage(Context());
      auto ticket = admission_.Acquire({.bytes = 1, .is_retry = is_retry}, Context());
      ASSERT_TRUE(ticket);
      ++sent;
      ticket->Release(Outcome::kResponded);
    });
  }
  while (probes_ < 2) std::this_thread::yield();
  EXPECT_EQ(sent, 0);
  EXPECT_TRUE(admission_.outage().starts_with("the store does not answer: ")) << admission_.outage();
  is_there_ = true;
  for (auto& task : tasks) task.join();
  EXPECT_EQ(sent, 40);
  EXPECT_EQ(admission_.outage(), "");
  EXPECT_GT(waited_out, 0);
  EXPECT_LE(probes_, 10) << "one task probes for all";
  ASSERT_EQ(notices_.size(), 2u);
  EXPECT_TRUE(notices_[0].starts_with("the store does not answer: ")) << notices_[0];
  EXPECT_TRUE(notices_[1].starts_with("the store answers again, after ")) << notices_[1];
}

TEST_F(AdmissionControllerTest, GivesUpOnceWhenPatienceEnds) {
  BreakStore();
  std::atomic<int> rejected{0};
  std::vector<std::thread> tasks;
  for (int i = 0; i < 10; ++i) {
    tasks.emplace_back([&] { rejected += !Request(Outcome::kResponded); });
  }
  while (gave_up_ == 0) std::this_thread::yield();
  Stop();
  for (auto& task : tasks) task.join();
  EXPECT_EQ(rejected, 10);
  EXPECT_EQ(gave_up_, 1);
  EXPECT_FALSE(admission_.WaitOutOutage(Context()));
}

TEST_F(AdmissionControllerTest, RetriesAreAdmittedBeforeNewRequests) {
  limits_.requests_per_second = 20;
  std::vector<int> order;
  std::vector<std::thread> tasks;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Request(Outcome::kResponded));  // the burst, and a debt
  for (int i = 0; i < 20; ++i) {
    const bool is_retry = i >= 10;
    tasks.emplace_back([&, is_retry] {
      auto ticket = admission_.Acquire({.bytes = 1, .is_retry = is_retry}, Context());
      ASSERT_TRUE(ticket);
      ticket->Release(Outcome::kResponded);
      std::lock_guard lock(mutex_);
      order.push_back(is_retry);
    });
  }
  for (auto& task : tasks) task.join();
  ASSERT_EQ(order.size(), 20u);
  // All had arrived long before the last ones were admitted.
  EXPECT_EQ(std::count(order.end() - 5, order.end(), 1), 0);
}

TEST_F(AdmissionControllerTest, WhatWaitsWhenTheRunStopsIsRejectedExceptCleanups) {
  limits_.requests_per_second = 1;
  ASSERT_TRUE(Request(Outcome::kResponded));
  std::atomic<int> sent{0}, rejected{0}, cleaned_up{0};
  std::vector<std::thread> tasks;
  for (int i = 0; i < 100; ++i) {
    tasks.emplace_back([&, i] {
      const bool is_cleanup = i % 50 == 0;
      const bool admitted = Request(Outcome::kResponded, {.bytes = 1, .is_cleanup = is_cleanup});
      if (!admitted) {
        ++rejected;
      } else if (is_cleanup) {
        ++cleaned_up;
      } else {
        ++sent;
      }
    });
  }
  Stop();
  for (auto& task : tasks) task.join();
  EXPECT_EQ(cleaned_up, 2);
  EXPECT_GE(rejected, 90);
  EXPECT_EQ(sent + rejected, 98);
}

TEST_F(AdmissionControllerTest, ALimitThatIsRemovedHoldsNobodyBack) {
  limits_.bytes_per_second = 1;
  ASSERT_TRUE(Request(Outcome::kResponded, {.bytes = 1 << 20}));  // a debt of twelve days
  std::thread task([&] { EXPECT_TRUE(Request(Outcome::kResponded)); });
  limits_.bytes_per_second = 0;
  task.join();
}

// This happens when memory runs out between Acquire() and Release().
TEST_F(AdmissionControllerTest, ATicketThatIsNotReleasedLeavesNothingInFlight) {
  {
    const auto ticket = admission_.Acquire({.bytes = 1}, Context());
    ASSERT_TRUE(ticket);
    admission_.NoticeIfSilent();
    EXPECT_EQ(notices_.size(), 1u) << "one request is in flight";
  }
  admission_.NoticeIfSilent();
  EXPECT_EQ(notices_.size(), 1u) << "none is in flight";
  for (int i = 0; i < 2 * CircuitBreaker::kMaxFailures; ++i) {
    EXPECT_TRUE(admission_.Acquire({.bytes = 1}, Context())) << "says nothing about the store";
  }
}

TEST_F(AdmissionControllerTest, WhenALeaderThrowsAnotherOneLeads) {
  BreakStore();
  std::atomic<bool> thrown{false};
  auto throwing = Context();
  throwing.probe = [&]() -> bool {
    thrown = true;
    throw std::bad_alloc();
  };
  std::thread leader([&] { EXPECT_THROW((void)admission_.Acquire({.bytes = 1}, throwing), std::bad_alloc); });
  std::thread other([&] {
    while (!thrown) std::this_thread::yield();
    EXPECT_TRUE(Request(Outcome::kResponded));
  });
  while (!thrown) std::this_thread::yield();
  is_there_ = true;
  leader.join();
  other.join();
  EXPECT_GE(probes_, 1);
}

// The leader and the other waiters say what they wait for, and follow when that changes.
TEST_F(AdmissionControllerTest, WaitersSayWhatTheyWaitFor) {
  SlotTime account;
  BlockingWaiter waiter(&account);
  std::atomic<SlotState> leader{SlotState::kCpu};
  auto context = Context();
  context.waiter = &waiter;
  context.pause = [&leader, pause = context.pause](std::chrono::milliseconds delay, SlotState reason) {
    leader = reason;
    pause(delay, reason);
  };
  const auto await = [&](SlotState state) {
    const auto waiting = [&] {
      const auto now = SlotTime::Clock::now();
      return SlotTimeReader(&account, now).Read(now).slots[state];
    };
    while (leader != state || waiting() != 2) std::this_thread::yield();
  };
  account.Enter(SlotState::kCpu, 3, SlotTime::Clock::now());
  AdmissionController admission(&limits_, {.opens_on_first_failure = true});
  limits_.bytes_per_second = 1;
  auto first = admission.Acquire({.bytes = 1 << 20}, context);
  ASSERT_TRUE(first);
  std::atomic<int> rejected{0};
  std::vector<std::jthread> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.emplace_back([&] { rejected += !admission.Acquire({.bytes = 1}, context).has_value(); });
  }
  await(SlotState::kBandwidth);
  is_there_ = false;
  first->Release(Outcome::kUnavailable);
  await(SlotState::kOutage);
  Stop();
  admission.Cancel();
  tasks.clear();
  EXPECT_EQ(rejected, 3);
}

}  // namespace admission_controller_test
}  // namespace s3
