#include "s3/transport/exchange_watchdog.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "s3/transport/direct/exchange.h"

namespace s3 {
namespace exchange_watchdog_test {

using namespace std::chrono_literals;
using Clock = ExchangeWatchdog::Clock;

class ExchangeWatchdogTest : public testing::Test {
 protected:
  ExchangeWatchdogTest() {
    options_.stall_window = 10s;
    options_.response_timeout = 20s;
  }

  // Adds an exchange that began `age` ago. Its head was sent, and its body too, unless the body waits for 100
  // Continue.
  Exchange* Add(Clock::duration age, bool may_cancel = false, bool expect_continue = false) {
    HttpRequest request;
    request.method = "PUT";
    request.endpoint = {"http", "h", 80};
    request.path = "/k";
    request.body = kBody;
    request.give_up_when_slow = may_cancel;
    auto exchange = std::make_unique<Exchange>(options_);
    exchange->Prepare(request, responses_.emplace_back(std::make_unique<HttpResponse>()).get(), {});
    exchange->Begin(now_ - age);
    exchange->Rewind(expect_continue);
    std::array<iovec, 4> room;
    std::size_t bytes = 0;
    for (const auto& piece : exchange->Unsent(room)) bytes += piece.iov_len;
    exchange->Sent(bytes, now_ - age);
    return active_.emplace_back(std::move(exchange)).get();
  }
  // Records `count` responses that came just now, about `took` after their exchanges began. The exchanges are
  // like those of Add.
  void RecordResponses(ExchangeWatchdog* watchdog, std::uint64_t count, Clock::duration took) {
    Exchange* const exchange = Add(took);
    exchange->Begin(Clock::now() - took);
    for (std::uint64_t i = 0; i < count; ++i) watchdog->RecordResponse(*exchange);
    active_.pop_back();
  }

  static constexpr std::string_view kBody = "body";
  const Clock::time_point now_ = Clock::now();
  TransportOptions options_;
  std::vector<std::unique_ptr<HttpResponse>> responses_;
  std::vector<std::unique_ptr<Exchange>> active_;
};

TEST_F(ExchangeWatchdogTest, IsDueSeveralTimesInAStallWindowWhileScheduled) {
  ExchangeWatchdog watchdog(options_, 1);
  EXPECT_EQ(watchdog.deadline(), Clock::time_point::max());
  watchdog.Schedule(now_);
  EXPECT_EQ(watchdog.deadline(), now_ + 50ms);
  watchdog.Stop();
  EXPECT_EQ(watchdog.deadline(), Clock::time_point::max());
  options_.stall_window = 200ms;
  ExchangeWatchdog impatient(options_, 1);
  impatient.Check(active_, now_);
  EXPECT_EQ(impatient.deadline(), now_ + 25ms);
}

TEST_F(ExchangeWatchdogTest, ProgressIsNoFinding) {
  ExchangeWatchdog watchdog(options_, 1);
  Add(0s);
  const auto found = watchdog.Check(active_, now_ + 1s);
  EXPECT_TRUE(found.stalled.empty() && found.overdue.empty() && found.stragglers.empty() &&
              found.continue_timeouts.empty());
}

TEST_F(ExchangeWatchdogTest, FindsStalledAndOverdueExchanges) {
  ExchangeWatchdog watchdog(options_, 1);
  Exchange* const stalled = Add(0s);
  Exchange* const overdue = Add(0s);
  overdue->Received("HTTP/1.1 200", false, now_);
  watchdog.Check(active_, now_);  // the bytes that were sent count as progress until here
  // A trickle of bytes is progress, but does not extend the response timeout.
  overdue->Received(" ", false, now_ + 20s);
  const auto found = watchdog.Check(active_, now_ + 21s);
  EXPECT_EQ(found.stalled, std::vector{stalled});
  EXPECT_EQ(found.overdue, std::vector{overdue});
}

TEST_F(ExchangeWatchdogTest, FindsExchangesWhose100ContinueDoesNotCome) {
  ExchangeWatchdog watchdog(options_, 1);
  Exchange* const waiting = Add(0s, false, true);
  Add(0s);
  EXPECT_TRUE(watchdog.Check(active_, now_ + 1s).continue_timeouts.empty());
  EXPECT_EQ(watchdog.Check(active_, now_ + 1s + 1ms).continue_timeouts, std::vector{waiting});
}

// The detector forgets the response times when the number of exchanges in flight grows. So all exchanges are
// added before the first check.
TEST_F(ExchangeWatchdogTest, FindsStragglersThatMayBeCancelled) {
  ExchangeWatchdog watchdog(options_, 1);
  Exchange* const slow = Add(0s, true);
  Add(0s, false);
  Add(-990ms, true);  // begins later
  watchdog.Check(active_, now_);
  RecordResponses(&watchdog, 4 * StragglerDetector::kPeers, 1ms);
  EXPECT_EQ(watchdog.Check(active_, now_ + 1s).stragglers, std::vector{slow});
}

TEST_F(ExchangeWatchdogTest, KnowsNoStragglersBeforeItKnowsPeers) {
  ExchangeWatchdog watchdog(options_, 1);
  Add(0s, true);
  watchdog.Check(active_, now_);
  RecordResponses(&watchdog, StragglerDetector::kPeers - 1, 1ms);
  EXPECT_TRUE(watchdog.Check(active_, now_ + 5s).stragglers.empty());
}

}  // namespace exchange_watchdog_test
}  // namespace s3
