#include "s3/transport/timer_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace s3 {
namespace timer_queue_test {

using namespace std::chrono_literals;

// Appends its letter to a text when it is woken.
struct Letter {
  std::string* text;
  char letter;
  Wake wake() {
    return {[](void* self) {
              auto* const woken = static_cast<Letter*>(self);
              *woken->text += woken->letter;
            },
            this};
  }
};

class TimerQueueTest : public testing::Test {
 protected:
  const TimerQueue::Clock::time_point now_ = TimerQueue::Clock::now();
  std::string woken_;
  Letter a_{&woken_, 'a'}, b_{&woken_, 'b'}, c_{&woken_, 'c'};
  TimerQueue timers_;
};

TEST_F(TimerQueueTest, WakesThoseThatAreDueAndTheEarliestFirst) {
  EXPECT_EQ(timers_.deadline(), TimerQueue::Clock::time_point::max());
  timers_.Add(now_ + 3s, c_.wake());
  timers_.Add(now_ + 1s, a_.wake());
  timers_.Add(now_ + 2s, b_.wake());
  EXPECT_EQ(timers_.deadline(), now_ + 1s);
  timers_.WakeDue(now_);
  EXPECT_EQ(woken_, "");
  timers_.WakeDue(now_ + 2s);
  EXPECT_EQ(woken_, "ab");
  EXPECT_EQ(timers_.deadline(), now_ + 3s);
}

TEST_F(TimerQueueTest, EqualDeadlinesAreWokenInTheOrderOfAdd) {
  for (auto* letter : {&b_, &a_, &c_}) timers_.Add(now_, letter->wake());
  timers_.WakeDue(now_);
  EXPECT_EQ(woken_, "bac");
}

TEST_F(TimerQueueTest, CancelMakesPresentAndLaterTimersDue) {
  timers_.Add(now_ + 1h, a_.wake());
  timers_.Cancel();
  timers_.WakeDue(now_);
  timers_.Add(now_ + 1h, b_.wake());
  timers_.WakeDue(now_);
  EXPECT_EQ(woken_, "ab");
}

TEST_F(TimerQueueTest, AWakeMayAddATimer) {
  struct Adder {
    TimerQueue* timers;
    Letter* letter;
    TimerQueue::Clock::time_point when;
  } adder{&timers_, &a_, now_};
  timers_.Add(now_, {[](void* self) {
                       auto* const adding = static_cast<Adder*>(self);
                       adding->timers->Add(adding->when, adding->letter->wake());
                     },
                     &adder});
  timers_.WakeDue(now_);
  EXPECT_EQ(woken_, "a");
}

}  // namespace timer_queue_test
}  // namespace s3
