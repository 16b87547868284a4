#include "pipeline/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "pipeline/upload/object.h"
#include "tests/support/support.h"

namespace pipeline {
namespace graph_test {

UploadTask Task(int number) {
  return {std::make_shared<Object>(
      std::make_shared<InputFile>(InputFile{std::to_string(number), std::to_string(number)}),
      s3::PartPlan{})};
}

// Holds every task that enters until `target` of them wait, then releases all. So the number that wait
// together is exact, whatever the timing.
class Gate {
 public:
  explicit Gate(int target) : target_(target) {}

  void Enter(s3::Waiter* waiter) {
    waiter->Wait(s3::SlotState::kSibling, [this](s3::Wake wake) {
      std::vector<s3::Wake> released;
      {
        std::lock_guard lock(mutex_);
        waiting_.push_back(wake);
        most_ = std::max(most_, static_cast<int>(waiting_.size()));
        if (static_cast<int>(waiting_.size()) < target_) return;
        released.swap(waiting_);
      }
      for (const auto& each : released) each();
    });
  }
  int most() const { return most_; }

 private:
  const int target_;
  std::mutex mutex_;
  std::vector<s3::Wake> waiting_;
  int most_ = 0;
};

struct Shape {
  int concurrency;
  int threads;
};

class GraphTest : public testing::TestWithParam<Shape> {};

// With fewer than N tasks in flight, the gate would stay closed and the test would hang. With more than N,
// the gate's count would be too high.
TEST_P(GraphTest, ExactlyNTasksAreInFlightAndNeverMoreThanNHoldSlots) {
  const auto [concurrency, threads] = GetParam();
  const int total = concurrency * 8;
  Graph graph({concurrency, threads});
  Gate gate(concurrency);
  int next = 0;
  std::atomic<int> in_flight{0}, most_in_flight{0}, slots_out{0}, most_slots_out{0};
  const auto raise = [](std::atomic<int>& most, int value) {
    for (int seen = most; seen < value && !most.compare_exchange_weak(seen, value);) {
    }
  };
  int recorded = 0;
  graph.Run({.next = [&]() -> std::optional<SourceItem> {
               if (next == total) return std::nullopt;
               raise(most_slots_out, ++slots_out);
               return Task(next++);
             },
             .upload =
                 [&](const UploadTask& task) {
                   raise(most_in_flight, ++in_flight);
                   gate.Enter(graph.waiter());
                   --in_flight;
                   return ObjectResult{.file = task.object->shared_file()};
                 },
             .record =
                 [&](const ObjectResult&) {
                   ++recorded;
                   --slots_out;
                 }});
  EXPECT_EQ(recorded, total);
  EXPECT_EQ(gate.most(), concurrency);
  EXPECT_EQ(most_in_flight, concurrency);
  EXPECT_LE(most_slots_out, concurrency);
}

// The source and the uploads suspend all the time; a thread of its own wakes them.
TEST_P(GraphTest, SourceAndUploadsMayWait) {
  const auto [concurrency, threads] = GetParam();
  const int total = 2000;
  Graph graph({concurrency, threads});
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<s3::Wake> wakes;
  bool done = false;
  std::thread waker([&] {
    std::unique_lock lock(mutex);
    for (;;) {
      arrived.wait(lock, [&] { return done || !wakes.empty(); });
      if (wakes.empty()) return;
      const auto wake = wakes.front();
      wakes.pop_front();
      lock.unlock();
      wake();
      lock.lock();
    }
  });
  const auto wait = [&] {
    graph.waiter()->Wait(s3::SlotState::kSibling, [&](s3::Wake wake) {
      std::lock_guard lock(mutex);
      wakes.push_back(wake);
      arrived.notify_one();
    });
  };
  int next = 0;
  std::set<std::string> seen;
  graph.Run({.next = [&]() -> std::optional<SourceItem> {
               if (next == total) return std::nullopt;
               wait();
               return Task(next++);
             },
             .upload =
                 [&](const UploadTask& task) {
                   wait();
                   wait();
                   return ObjectResult{.file = task.object->shared_file()};
                 },
             .record = [&](const ObjectResult& result) { seen.insert(result.file->key); }});
  {
    std::lock_guard lock(mutex);
    done = true;
    arrived.notify_one();
  }
  waker.join();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(total));
}

TEST_P(GraphTest, ASlowSinkHoldsTheSourceBack) {
  const auto [concurrency, threads] = GetParam();
  const int total = concurrency * 3;
  int next = 0;
  std::atomic<int> emitted{0}, recorded{0};
  bool ahead = false;
  Graph({concurrency, threads})
      .Run({.next = [&]() -> std::optional<SourceItem> {
              if (next == total) return std::nullopt;
              ahead = ahead || emitted - recorded >= concurrency;
              ++emitted;
              return Task(next++);
            },
            .upload = [](const UploadTask& task) { return ObjectResult{.file = task.object->shared_file()}; },
            .record =
                [&](const ObjectResult&) {
                  for (int i = 0; i < 100; ++i) std::this_thread::yield();
                  ++recorded;
                }});
  EXPECT_EQ(recorded, total);
  EXPECT_FALSE(ahead) << "the source emitted without a slot";
}

TEST_P(GraphTest, ResultsOfTheSourceSkipTheUpload) {
  const auto [concurrency, threads] = GetParam();
  int next = 0, uploaded = 0, skipped = 0;
  Graph({concurrency, threads})
      .Run({.next = [&]() -> std::optional<SourceItem> {
              if (next == 300) return std::nullopt;
              if (next++ % 3 == 0)
                return ObjectResult{.file = Task(next).object->shared_file(), .outcome = Outcome::kSkipped};
              return Task(next);
            },
            .upload =
                [](const UploadTask& task) {
                  return ObjectResult{.file = task.object->shared_file(), .outcome = Outcome::kUploaded};
                },
            .record =
                [&](const ObjectResult& result) {
                  ++(result.outcome == Outcome::kSkipped ? skipped : uploaded);
                }});
  EXPECT_EQ(skipped, 100);
  EXPECT_EQ(uploaded, 200);
}

// All uploads are suspended when the source is exhausted; then they end, one waking the next.
TEST_P(GraphTest, EndsAfterUploadsThatWereSuspended) {
  const auto [concurrency, threads] = GetParam();
  Graph graph({concurrency, threads});
  Gate gate(concurrency);
  std::atomic<bool> stopping{false};
  int recorded = 0;
  graph.Run({.next = [&, next = 0]() mutable -> std::optional<SourceItem> {
               if (stopping) return std::nullopt;
               return Task(next++);
             },
             .upload =
                 [&](const UploadTask& task) {
                   gate.Enter(graph.waiter());
                   stopping = true;
                   return ObjectResult{.file = task.object->shared_file(), .outcome = Outcome::kCancelled};
                 },
             .record =
                 [&](const ObjectResult&) {
                   ++recorded;
                   stopping = true;
                 }});
  EXPECT_EQ(recorded, concurrency);
}

std::vector<Shape> Shapes() {
  std::vector<Shape> shapes;
  // With the blocking waiter each slot is a thread: 64 of them are enough to see a race.
  for (const int concurrency : {1, 2, 64, 1024}) {
    if (test::kThreadSanitizer && concurrency > 64) continue;
    for (const int threads : {1, 2, 4, 16}) shapes.push_back({concurrency, threads});
  }
  return shapes;
}

INSTANTIATE_TEST_SUITE_P(Shapes, GraphTest, testing::ValuesIn(Shapes()), [](const auto& test_case) {
  return "N" + std::to_string(test_case.param.concurrency) + "Workers" +
         std::to_string(test_case.param.threads);
});

// The graph starts with few workers. Each upload blocks its thread until all are there, so more are needed.
TEST(GraphWorkersTest, AllowsAsManyWorkersAsHaveWork) {
  constexpr int kTogether = 12;
  std::mutex mutex;
  std::condition_variable all_here;
  int here = 0, next = 0;
  bool met = false;
  Graph({64, 2 * kTogether})
      .Run({.next = [&]() -> std::optional<SourceItem> {
              if (next == kTogether) return std::nullopt;
              return Task(next++);
            },
            .upload =
                [&](const UploadTask& task) {
                  std::unique_lock lock(mutex);
                  ++here;
                  all_here.notify_all();
                  met = all_here.wait_for(lock, std::chrono::seconds(60), [&] { return here == kTogether; });
                  return ObjectResult{.file = task.object->shared_file()};
                },
            .record = [](const ObjectResult&) {}});
  EXPECT_TRUE(met) << here << " at once";
}

TEST(GraphWorkersTest, RunsEnqueuedTasksBeforeItReturns) {
  constexpr int kUploads = 100, kTasksPerUpload = 50;
  Graph graph({16, 3});
  int next = 0;
  std::atomic<int> ran = 0;
  std::function<void(int)> run = [&](int left) {
    ++ran;
    if (left > 1) graph.Enqueue([&run, left] { run(left - 1); });
  };
  graph.Run({.next = [&]() -> std::optional<SourceItem> {
               if (next == kUploads) return std::nullopt;
               return Task(next++);
             },
             .upload = [&](const UploadTask&) -> std::optional<ObjectResult> {
               graph.Enqueue([&run] { run(kTasksPerUpload); });  // and does not wait for it
               return ObjectResult{};
             },
             .record = [](const ObjectResult&) {}});
  EXPECT_EQ(ran, kUploads * kTasksPerUpload);
}

TEST(GraphEmptyTest, EndsWithoutInputs) {
  Graph({8, 2}).Run({.next = [] { return std::optional<SourceItem>(); },
                     .upload = [](const UploadTask&) { return ObjectResult{}; },
                     .record = [](const ObjectResult&) { FAIL(); }});
}

// Each task holds two slots; the first four return three.
TEST(GraphSlotsTest, TasksMayHoldSlotsAndTheirNumberMayGrow) {
  int next = 0, circulating = 4, recorded = 0;
  Graph({8, 1}).Run(
      {.next = [&]() -> std::optional<SourceItem> {
         if (next == 100) return std::nullopt;
         return Task(next++);
       },
       .upload = [&](const UploadTask& task) { return ObjectResult{.file = task.object->shared_file()}; },
       .record = [](const ObjectResult&) {},
       .weigh = [](const SourceItem&) { return 2; },
       .next_slots =
           [&](const TaskStats& task) {
             EXPECT_EQ(task.slots, 2);
             EXPECT_NE(task.result, nullptr);
             const int more = circulating < 8 ? 1 : 0;
             circulating += more;
             ++recorded;
             return task.slots + more;
           },
       .first_slots = 4});
  EXPECT_EQ(recorded, 100);
  EXPECT_EQ(circulating, 8);
}

}  // namespace graph_test
}  // namespace pipeline
