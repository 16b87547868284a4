#include "pipeline/graph/concurrency_controller.h"

#include <gtest/gtest.h>

#include <functional>
#include <queue>

#include "tests/support/support.h"

namespace pipeline {
namespace concurrency_controller_test {

using namespace std::chrono_literals;
using Clock = ConcurrencyController::Clock;

// A store that responds after `latency`, or later when more tasks are sent than it can take: those wait in
// its queue.
struct Store {
  Clock::duration latency;
  double tasks_per_second;  // that the store, or the line to it, can take
  double jitter = 0.05;     // sigma of log-normal latencies, whose median is `latency`
};

// Sends tasks of one size to a store, in simulated time.
struct Simulation {
  explicit Simulation(SlotLimits limits) : slots(limits, Clock::time_point{}), held(limits.first) {}

  // Returns the tasks that returned per second.
  double Run(const Store& store, std::chrono::milliseconds length, std::uint64_t bytes = 4096) {
    const auto end = now + length;
    std::uint64_t returned = 0;
    std::lognormal_distribution<double> spread(0, store.jitter);
    for (;;) {
      while (held >= slots.WeightOf(bytes)) {
        const int weight = slots.WeightOf(bytes);
        held -= weight;
        free_at = std::max(free_at, now) + std::chrono::duration_cast<Clock::duration>(
                                               std::chrono::duration<double>(1 / store.tasks_per_second));
        const auto response = std::max(free_at, now) +
                              std::chrono::duration_cast<Clock::duration>(store.latency * spread(random));
        in_flight.push({response, now, weight});
        most_in_flight = std::max(most_in_flight, in_flight.size());
      }
      if (in_flight.empty()) return ADD_FAILURE() << "nothing in flight", 0;
      const auto task = in_flight.top();
      if (task.response > end) break;
      in_flight.pop();
      now = task.response;
      ++returned;
      held += slots.Return({task.weight, bytes, now - task.began, true}, refused, now);
    }
    now = end;
    return static_cast<double>(returned) / std::chrono::duration<double>(length).count();
  }

  struct Task {
    Clock::time_point response, began;
    int weight;
    bool operator<(const Task& other) const { return response > other.response; }
  };
  std::mt19937_64 random = test::SeededRandom();
  ConcurrencyController slots;
  int held;
  std::uint64_t refused = 0;
  Clock::time_point now{}, free_at{};
  std::priority_queue<Task> in_flight;
  std::size_t most_in_flight = 0;
};

TEST(ConcurrencyControllerTest, RaisesTheLimitUntilTheLatencyIsHidden) {
  Simulation simulation({});
  const Store far{50ms, 15'000};  // 750 in flight are enough
  const double rate = simulation.Run(far, 1000ms);
  EXPECT_GT(rate, 0.75 * far.tasks_per_second) << "within the first second";
  EXPECT_GT(simulation.Run(far, 5s), 0.93 * far.tasks_per_second);
}

// As with real stores, the fastest response says little about the others.
TEST(ConcurrencyControllerTest, RaisesTheLimitWhenLatenciesVary) {
  for (const double sigma : {0.3, 0.5, 0.7, 1.0}) {
    for (const auto latency : {15ms, 40ms}) {
      Simulation simulation({});
      const Store store{latency, 10'000, sigma};
      SCOPED_TRACE(testing::Message() << latency.count() << " ms, sigma " << sigma);
      EXPECT_GT(simulation.Run(store, 1s), 0.45 * store.tasks_per_second) << "within the first second";
      simulation.Run(store, 4s);
      EXPECT_GT(simulation.Run(store, 10s), 0.85 * store.tasks_per_second);
    }
  }
}

TEST(ConcurrencyControllerTest, KeepsTheLimitLowWhenMoreGainsNothing) {
  for (const double sigma : {0.05, 0.5}) {
    Simulation simulation({});
    const Store near{500us, 15'000, sigma};  // 8 in flight are enough
    EXPECT_GT(simulation.Run(near, 60s), 0.95 * near.tasks_per_second);
    EXPECT_LE(simulation.slots.circulation(), 100);
    EXPECT_LE(simulation.most_in_flight, 256u);
  }
}

TEST(ConcurrencyControllerTest, AdaptsWhenTheStoreBecomesFarther) {
  Simulation simulation({});
  simulation.Run({1ms, 5'000}, 20s);
  const Store other{100ms, 5'000};  // 500 in flight are enough
  simulation.Run(other, 60s);
  EXPECT_GT(simulation.Run(other, 10s), 0.9 * other.tasks_per_second);
}

TEST(ConcurrencyControllerTest, HasFewLargeRequestsInFlightButAtLeastFour) {
  Simulation simulation({});
  const Store line{20ms, 100};  // 100 parts of 16 MiB a second
  EXPECT_GT(simulation.Run(line, 30s, 16 << 20), 0.95 * line.tasks_per_second);
  EXPECT_LE(simulation.most_in_flight, 64u);
  EXPECT_GE(simulation.most_in_flight, 4u);
}

TEST(ConcurrencyControllerTest, LowersTheLimitWhenTheStoreRefusesRequests) {
  Simulation simulation({});
  simulation.Run({50ms, 15'000}, 2s);
  const int before = simulation.slots.circulation();
  for (int i = 0; i < 20; ++i) {
    simulation.refused += 1000;
    simulation.Run({50ms, 15'000}, 500ms);
  }
  EXPECT_LT(simulation.slots.circulation(), before / 8);
  EXPECT_GE(simulation.slots.circulation(), SlotLimits{}.least);
}

TEST(ConcurrencyControllerTest, KeepsAFixedNumber) {
  Simulation simulation({64, 64, 64});
  simulation.Run({50ms, 15'000}, 10s);
  EXPECT_EQ(simulation.slots.circulation(), 64);
  EXPECT_EQ(simulation.slots.WeightOf(1 << 30), 1);
  EXPECT_EQ(simulation.slots.series().size(), 1u);
}

// Whatever happens, the slots in the source and in flight are those in circulation, and there are always
// some.
TEST(ConcurrencyControllerTest, NeverLosesSlots) {
  auto random = test::SeededRandom();
  for (int run = 0; run < 200; ++run) {
    ConcurrencyController slots({}, Clock::time_point{});
    int held = SlotLimits{}.first;
    std::vector<int> in_flight;
    std::uint64_t refused = 0;
    Clock::time_point now{};
    for (int step = 0; step < 3000; ++step) {
      const auto bytes = std::uint64_t{1} << (random() % 30);
      while (held >= slots.WeightOf(bytes) && random() % 8 != 0) {
        in_flight.push_back(slots.WeightOf(bytes));
        held -= in_flight.back();
      }
      ASSERT_TRUE(!in_flight.empty() || held >= slots.WeightOf(bytes));
      if (in_flight.empty()) continue;
      now += std::chrono::microseconds(random() % 5000);
      refused += random() % 50 == 0 ? random() % 100 : 0;
      const auto weight = in_flight.back();
      in_flight.pop_back();
      held += slots.Return({weight, bytes, std::chrono::microseconds(random() % 100'000), random() % 3 != 0},
                           refused, now);
      int sum = held;
      for (const int each : in_flight) sum += each;
      ASSERT_EQ(sum, slots.circulation());
      ASSERT_LE(sum, SlotLimits{}.most);
    }
    EXPECT_LE(slots.series().size(), LimitSeries::kMaxPoints);
  }
}

}  // namespace concurrency_controller_test
}  // namespace pipeline
