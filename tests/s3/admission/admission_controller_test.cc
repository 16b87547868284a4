#include "s3/admission/admission_controller.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "s3/transport/straggler_detector.h"
#include "tests/support/support.h"

namespace s3 {
namespace {

using namespace std::chrono_literals;
using Outcome = CircuitBreaker::Outcome;
using Time = TokenBucket::Clock::time_point;

const Time kStart{std::chrono::hours(1)};

TEST(TokenBucketTest, KeepsTheAverageForUnitsOfAnySize) {
  auto random = test::SeededRandom();
  for (const double rate : {10.0, 1000.0, 1e6}) {
    TokenBucket bucket;
    bucket.SetRate(rate, kStart);
    auto now = kStart;
    double taken = 0;
    while (now - kStart < 100s) {
      now += bucket.Until(now);
      ASSERT_TRUE(bucket.Ready(now));
      const double units = std::uniform_real_distribution<double>(0, rate / 2)(random);
      bucket.Take(units);
      taken += units;
    }
    EXPECT_NEAR(taken / 100, rate, rate * 0.02);
  }
}

TEST(TokenBucketTest, ARateMayChangeAndEnd) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Ready(kStart));
  bucket.SetRate(1, kStart);
  bucket.Take(10);
  EXPECT_FALSE(bucket.Ready(kStart + 1s));
  bucket.SetRate(100, kStart + 1s);
  EXPECT_TRUE(bucket.Ready(kStart + 1s + 100ms));
  bucket.Take(1000);
  bucket.SetRate(0, kStart + 2s);
  EXPECT_TRUE(bucket.Ready(kStart + 2s));
}

// A store that takes so many requests a second and refuses what is more; requests come as fast as the pace
// lets them. Returns (share of the rate that was taken, share of refusals), each after `settled`.
std::pair<double, double> PacedAgainst(double store_rate, std::chrono::seconds settled,
                                       std::chrono::seconds length,
                                       std::function<double(double)> rate_at = nullptr) {
  AdaptiveRateLimiter pace;
  TokenBucket store, paced;
  double taken = 0, refused = 0, capacity = 0;
  for (auto now = kStart; now - kStart < length; now += 1ms) {
    const double seconds = std::chrono::duration<double>(now - kStart).count();
    const double rate = rate_at ? rate_at(seconds) : store_rate;
    store.SetRate(rate, now);
    paced.SetRate(pace.Limit(now), now);
    const bool counts = now - kStart >= settled;
    if (counts) capacity += rate / 1000;
    for (int i = 0; i < 5 && paced.Ready(now); ++i) {  // up to 5,000 a second
      paced.Take(1);
      if (store.Ready(now)) {
        store.Take(1);
        pace.Accepted(now);
        taken += counts;
      } else {
        pace.Refused(now);
        refused += counts;
      }
    }
  }
  return {taken / capacity, refused / (taken + refused)};
}

TEST(PaceTest, FindsWhatTheStoreTakes) {
  for (const double rate : {50.0, 200.0, 1000.0}) {
    const auto [goodput, refusals] = PacedAgainst(rate, 30s, 120s);
    EXPECT_GT(goodput, 0.85) << rate;
    EXPECT_LT(refusals, 0.05) << rate;
  }
}

TEST(PaceTest, FollowsAStoreThatChangesItsMind) {
  const auto [goodput, refusals] =
      PacedAgainst(0, 60s, 120s, [](double s) { return s < 40 ? 100.0 : 1000.0; });
  EXPECT_GT(goodput, 0.85);
  EXPECT_LT(refusals, 0.05);
}

TEST(PaceTest, AFewRefusalsAreNoLimitAndALimitEnds) {
  AdaptiveRateLimiter pace;
  auto now = kStart;
  for (int i = 0; i < AdaptiveRateLimiter::kRefusalsToBegin - 1; ++i) pace.Refused(now);
  EXPECT_EQ(pace.Limit(now), 0);
  now += AdaptiveRateLimiter::kCutInterval;
  for (int i = 0; i < AdaptiveRateLimiter::kRefusalsToBegin; ++i) pace.Refused(now);
  EXPECT_GT(pace.Limit(now), 0);
  while (pace.Limit(now) > 0 && now - kStart < 1h) now += 100ms;
  EXPECT_LT(now - kStart, 60s) << "nothing refuses any more";
}

TEST(OutageTest, ClosesWhenNothingIsAnsweredAndOpensOneByOne) {
  CircuitBreaker outage;
  const int in_flight = 512;
  for (int i = 0; i < in_flight; ++i) outage.Entered();
  outage.Left(Outcome::kGood, kStart);
  int failed = 0;
  while (!outage.closed()) {
    ASSERT_LT(++failed, 2 * CircuitBreaker::kMaxFailures);
    outage.Left(Outcome::kNone, kStart + 1s);
  }
  EXPECT_EQ(outage.Length(kStart + 2s), 0s) << "not confirmed yet";
  for (int i = failed + 1; i < in_flight; ++i) outage.Left(Outcome::kNone, kStart + 1s);
  outage.ProbeFailed();
  EXPECT_EQ(outage.Length(kStart + 61s), 60s);
  outage.ProbeAnswered();
  EXPECT_EQ(outage.confirmed_outages(), 1);
  int entered = 0;
  for (; outage.MayEnter(); ++entered) outage.Entered();
  EXPECT_EQ(entered, CircuitBreaker::kFirstAllowed);
  for (int rounds = 0; entered < in_flight; ++rounds) {
    ASSERT_LT(rounds, 12) << "half as many more with each half that is answered";
    for (const int before = entered; entered > before / 2;)
      --entered, outage.Left(Outcome::kGood, kStart + 62s);
    for (; outage.MayEnter() && entered < in_flight; ++entered) outage.Entered();
  }
}

TEST(OutageTest, OfAStoreThatWasNeverThereOneFailureSaysEnough) {
  for (const auto answer : {Outcome::kNone, Outcome::kNotAwaited}) {
    CircuitBreaker never(true);
    for (int i = 0; i < 64; ++i) never.Entered();
    EXPECT_TRUE(never.is_silent());
    EXPECT_EQ(never.Left(answer, kStart), answer == Outcome::kNone);
    EXPECT_EQ(never.closed(), answer == Outcome::kNone);
  }
}

TEST(OutageTest, AFullStoreIsAskedWithOneWriteAtATime) {
  CircuitBreaker full;
  for (int i = 0; i < 64; ++i) full.Entered();
  full.Left(Outcome::kStored, kStart);
  EXPECT_TRUE(full.Left(Outcome::kFull, kStart)) << "one says so for all";
  for (int i = 2; i < 64; ++i) EXPECT_FALSE(full.Left(Outcome::kFull, kStart + 1s)) << "it is said once";
  std::chrono::milliseconds interval{0};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(full.closed() && full.is_full());
    EXPECT_EQ(full.Length(kStart + 60s), 60s);
    EXPECT_GE(full.ProbeInterval(), interval);
    interval = full.ProbeInterval();
    full.TryOne();
    ASSERT_TRUE(full.MayEnter());
    full.Entered();
    EXPECT_FALSE(full.MayEnter());
    if (i % 2 == 0) {  // a request without data says nothing of room
      full.Left(Outcome::kGood, kStart + 2s);
      EXPECT_TRUE(full.MayEnter() && full.is_full());
      full.Entered();
    }
    EXPECT_FALSE(full.Left(Outcome::kFull, kStart + 2s));
  }
  EXPECT_EQ(interval, CircuitBreaker::kLongestWhileFull);
  full.TryOne();
  full.Entered();
  full.Left(Outcome::kStored, kStart + 3s);
  EXPECT_FALSE(full.is_full());
  EXPECT_TRUE(full.MayEnter());
}

TEST(OutageTest, IsNotWhatItLooksLike) {
  CircuitBreaker ill;  // every second request fails: it is there
  for (int i = 0; i < 1000; ++i)
    ill.Entered(), ill.Left(i % 2 == 0 ? Outcome::kGood : Outcome::kNone, kStart + i * 1s);
  EXPECT_FALSE(ill.closed());
  CircuitBreaker busy;  // refusals are answers, unless there is nothing else for long
  busy.Entered(), busy.Left(Outcome::kGood, kStart);
  for (int i = 0; i < 1000; ++i) busy.Entered(), busy.Left(Outcome::kRefused, kStart + 1s);
  EXPECT_FALSE(busy.closed());
  busy.Entered(), busy.Left(Outcome::kRefused, kStart + 4s);
  EXPECT_TRUE(busy.closed());
  CircuitBreaker ours;
  ours.Entered(), ours.Left(Outcome::kGood, kStart);
  for (int i = 0; i < 1000; ++i) ours.Entered(), ours.Left(Outcome::kNotAwaited, kStart + i * 1s);
  EXPECT_FALSE(ours.closed());
}

TEST(StragglersTest, AreFarBeyondTheirPeersAndFew) {
  StragglerDetector stragglers;
  EXPECT_FALSE(stragglers.Limit(4096));
  for (int i = 0; i < 10'000; ++i) {
    stragglers.Answered(4096, std::chrono::milliseconds(100 + i % 100));
    stragglers.Answered(16 << 20, std::chrono::milliseconds(2000 + i % 1000));
  }
  const auto small = stragglers.Limit(5000), large = stragglers.Limit(17 << 20);
  ASSERT_TRUE(small && large);
  EXPECT_GT(*small, 600ms);
  EXPECT_LT(*small, 1000ms);
  EXPECT_GT(*large, 9s);
  EXPECT_LT(*large, 14s);
  EXPECT_FALSE(stragglers.Limit(1 << 30)) << "nobody of that size is known";
}

// Never more than kMax + kShare * answered + kPerSecond * seconds, whatever the clock's epoch, however many
// judge.
TEST(StragglersTest, GiveUpNoMoreThanTheirShare) {
  for (const int sharers : {1, 2, 8}) {
    std::vector<StragglerDetector> loops(static_cast<std::size_t>(sharers), StragglerDetector(sharers));
    auto random = test::SeededRandom();
    auto now = Time(std::chrono::hours(24 * 365 * 50));
    const auto began = now;
    int given_up = 0, answered = 0;
    while (now - began < 100s) {
      auto& loop = loops[random() % loops.size()];
      for (int i = 0; i < 3; ++i) given_up += loop.TryCancel(now);
      for (int i = 0; i < 5; ++i) loop.Answered(4096, 100ms), ++answered;
      const double seconds = std::chrono::duration<double>(now - began).count();
      ASSERT_LE(given_up, std::max<double>(StragglerDetector::kMax, sharers) +
                              StragglerDetector::kShare * answered + StragglerDetector::kPerSecond * seconds +
                              1e-6);
      now += std::chrono::milliseconds(random() % 50);
    }
    EXPECT_GT(given_up, 100);
  }
  StragglerDetector last;
  EXPECT_FALSE(last.TryCancel(kStart));
  EXPECT_TRUE(last.TryCancel(kStart + 1s)) << "the last ones have nobody behind them";
}

TEST(StragglersTest, ThereIsNoVerdictWhileConcurrencyClimbs) {
  StragglerDetector stragglers;
  stragglers.InFlight(16);
  for (std::uint64_t i = 0; i < 2 * StragglerDetector::kPeers; ++i) stragglers.Answered(4096, 10ms);
  EXPECT_TRUE(stragglers.Limit(4096));
  stragglers.InFlight(20);
  EXPECT_TRUE(stragglers.Limit(4096));
  for (std::size_t in_flight = 32; in_flight <= 512; in_flight *= 2) {
    stragglers.InFlight(in_flight);
    EXPECT_FALSE(stragglers.Limit(4096)) << in_flight;
    for (std::uint64_t i = 1; i < StragglerDetector::kPeers; ++i) stragglers.Answered(4096, 10ms * in_flight);
    EXPECT_FALSE(stragglers.Limit(4096)) << in_flight;
  }
  stragglers.Answered(4096, 5s);
  stragglers.InFlight(100);
  stragglers.InFlight(512);
  EXPECT_TRUE(stragglers.Limit(4096)) << "it does not climb any more";
}

// Bodies in threads of their own, time that really passes, a store whose state the test sets.
class AdmissionTest : public testing::Test {
 protected:
  AdmissionController::Body Body() {
    return {&waiter_,
            [this](std::chrono::milliseconds delay) {
              std::unique_lock lock(mutex_);
              changed_.wait_for(lock, delay, [this] { return stopping_; });
            },
            [this] {
              ++probes_;
              return there_.load();
            }};
  }
  // Fails until the gate closes.
  void GoAway() {
    there_ = false;
    const auto body = Body();
    ASSERT_TRUE(admission_.Enter({1}, body));
    admission_.Left(Outcome::kGood);
    for (int i = 0; i < CircuitBreaker::kMinFailures; ++i) {
      ASSERT_TRUE(admission_.Enter({1}, body));
      admission_.Left(Outcome::kNone);
    }
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
  std::atomic<bool> there_{true};
  std::atomic<int> probes_{0}, gave_up_{0};
  RateLimits limits_;
  std::vector<std::string> notices_;
  AdmissionController admission_{&limits_,
                                 {.notice = [this](std::string_view text) { notices_.emplace_back(text); },
                                  .give_up = [this](const std::string&) { ++gave_up_; },
                                  .patience = 300ms}};
};

TEST_F(AdmissionTest, BodiesWaitWhileTheStoreIsAwayAndAllGoOn) {
  GoAway();
  std::atomic<int> sat_out{0}, through{0};
  std::vector<std::thread> bodies;
  for (int i = 0; i < 40; ++i) {
    bodies.emplace_back([&, i] {
      const auto body = Body();
      if (i % 2 == 0) sat_out += admission_.SitOut(body);
      ASSERT_TRUE(admission_.Enter({1, i % 2 == 0}, body));
      ++through;
      admission_.Left(Outcome::kGood);
    });
  }
  while (probes_ < 2) std::this_thread::yield();
  EXPECT_EQ(through, 0);
  there_ = true;
  for (auto& body : bodies) body.join();
  EXPECT_EQ(through, 40);
  EXPECT_GT(sat_out, 0);
  EXPECT_LE(probes_, 10) << "one asks for all";
  ASSERT_EQ(notices_.size(), 2u);
  EXPECT_TRUE(notices_[0].starts_with("the store does not answer: ")) << notices_[0];
  EXPECT_TRUE(notices_[1].starts_with("the store answers again, after ")) << notices_[1];
}

TEST_F(AdmissionTest, PatienceEndsAndSoDoWaits) {
  GoAway();
  std::atomic<int> refused{0};
  std::vector<std::thread> bodies;
  for (int i = 0; i < 10; ++i) {
    bodies.emplace_back([&] { refused += !admission_.Enter({1}, Body()); });
  }
  while (gave_up_ == 0) std::this_thread::yield();
  Stop();
  for (auto& body : bodies) body.join();
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(gave_up_, 1);
  EXPECT_FALSE(admission_.SitOut(Body()));
}

TEST_F(AdmissionTest, ThoseThatTryAgainGoFirst) {
  limits_.requests_per_second = 20;
  std::vector<int> order;
  std::vector<std::thread> bodies;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(admission_.Enter({1}, Body()));  // the burst, and a debt
  for (int i = 0; i < 20; ++i) {
    const bool again = i >= 10;
    bodies.emplace_back([&, again] {
      ASSERT_TRUE(admission_.Enter({1, again}, Body()));
      std::lock_guard lock(mutex_);
      order.push_back(again);
    });
  }
  for (auto& body : bodies) body.join();
  ASSERT_EQ(order.size(), 20u);
  // All had come long before the last of them could go.
  EXPECT_EQ(std::count(order.end() - 5, order.end(), 1), 0);
}

// What waits when the run stops is not sent; but what takes away an upload that nobody could go on with.
TEST_F(AdmissionTest, LimitsHoldWhenTheRunStops) {
  limits_.requests_per_second = 1;
  ASSERT_TRUE(admission_.Enter({1}, Body()));
  std::atomic<int> sent{0}, ended{0}, finished{0};
  std::vector<std::thread> bodies;
  for (int i = 0; i < 100; ++i) {
    bodies.emplace_back([&, i] {
      const bool finishes = i % 50 == 0;
      const bool left = admission_.Enter({.bytes = 1, .finishes = finishes}, Body());
      if (left) admission_.Left(Outcome::kGood);
      ++(!left ? ended : finishes ? finished : sent);
    });
  }
  Stop();
  for (auto& body : bodies) body.join();
  EXPECT_EQ(finished, 2);
  EXPECT_GE(ended, 90);
  EXPECT_EQ(sent + ended, 98);
}

TEST_F(AdmissionTest, ALimitThatIsLiftedHoldsNobody) {
  limits_.bytes_per_second = 1;
  const auto body = Body();
  ASSERT_TRUE(admission_.Enter({1 << 20}, body));  // a debt of twelve days
  std::thread waits([&] { EXPECT_TRUE(admission_.Enter({1}, Body())); });
  limits_.bytes_per_second = 0;
  waits.join();
}

}  // namespace
}  // namespace s3
