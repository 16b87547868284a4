// UploadNode in graphs whose store hangs: cancellation, exceptions, destruction, and the workers of the
// caller.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "s3/endpoint/server.h"
#include "s3flow/upload_node.h"
#include "tests/library/library_fixture.h"
#include "tests/library/results.h"

namespace s3flow {
namespace upload_node_shutdown_test {

using library_test::BucketWith;
using library_test::BufferOf;
using library_test::Opened;
using library_test::OptionsFor;
using library_test::Results;
using s3::endpoint::FaultAction;
using s3::endpoint::Server;
using testing::HasSubstr;
namespace flow = tbb::flow;

// The store holds the first requests until the graph is cancelled. Then no further request starts.
struct Stalled {
  explicit Stalled(int count)
      : server(BucketWith(
            {{.operation = "PutObject", .last_attempt = 1000, .action = FaultAction::kNoResponse}})) {
    auto options = OptionsFor(server);
    options.drain = std::chrono::milliseconds(50);
    uploader.emplace(Opened(options));
    inputs = count;
  }
  void PutAll(UploadNode* node) const {
    for (int i = 0; i < inputs; ++i) node->try_put(UploadBuffer(BufferOf("x"), std::to_string(i)));
  }
  Server server;
  std::optional<Uploader> uploader;
  int inputs = 0;
};

// Until all slots are in use. OptionsFor() sets their number.
void WaitUntilStalled(const UploadNode& upload) {
  while (upload.statistics().in_flight < 8) std::this_thread::yield();
}

TEST(UploadNodeShutdownTest, ACancelledGraphEndsSoonAndStoresNothingMore) {
  Stalled stalled(100);
  flow::graph graph;
  UploadNode upload(graph, std::move(*stalled.uploader));
  stalled.PutAll(&upload);
  WaitUntilStalled(upload);
  graph.cancel();
  graph.wait_for_all();  // would hang, if uploads in flight were not ended
  EXPECT_TRUE(graph.is_cancelled());
  EXPECT_EQ(upload.statistics().open, 0u);
}

TEST(UploadNodeShutdownTest, ANeighboursExceptionEndsTheGraphAndReachesItsCaller) {
  Stalled stalled(100);
  flow::graph graph;
  UploadNode upload(graph, std::move(*stalled.uploader));
  flow::function_node<int> neighbour(graph, flow::serial, [&](int) -> flow::continue_msg {
    WaitUntilStalled(upload);
    throw std::runtime_error("out of fuel");
  });
  stalled.PutAll(&upload);
  neighbour.try_put(1);
  EXPECT_THROW(graph.wait_for_all(), std::runtime_error);
  EXPECT_EQ(upload.statistics().open, 0u);
}

TEST(UploadNodeShutdownTest, CancelGivesEveryInputAResult) {
  Stalled stalled(100);
  flow::graph graph;
  UploadNode upload(graph, std::move(*stalled.uploader));
  Results results(graph);
  flow::make_edge(flow::output_port<0>(upload), results.port());
  stalled.PutAll(&upload);
  WaitUntilStalled(upload);
  upload.Cancel("the simulation diverged");
  graph.wait_for_all();
  ASSERT_EQ(results.size(), 100u);
  for (const auto& [key, result] : results.all()) {
    EXPECT_EQ(result.status, Status::kCancelled) << key;
    EXPECT_EQ(result.error->kind, "cancelled") << key;
    EXPECT_THAT(result.error->message, HasSubstr("the simulation diverged")) << key;
  }
}

TEST(UploadNodeShutdownTest, DestructionWithRequestsInFlightEndsThem) {
  Stalled stalled(20);
  flow::graph graph;
  {
    UploadNode upload(graph, std::move(*stalled.uploader), {.max_open = 20});
    stalled.PutAll(&upload);
    WaitUntilStalled(upload);
  }
  graph.wait_for_all();
  EXPECT_FALSE(stalled.server.store().Head("bucket", "0"));
}

// A worker that ran a task of the library on its own stack would stay with the library until the store
// responds. Then the bodies below would never all run at the same time.
TEST(UploadNodeShutdownTest, TheCallerHasAllItsWorkersWhileTheStoreHangs) {
  Stalled stalled(100);
  flow::graph graph;
  UploadNode upload(graph, std::move(*stalled.uploader));
  stalled.PutAll(&upload);
  WaitUntilStalled(upload);
  const int workers = tbb::this_task_arena::max_concurrency();
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> running{0};
    const auto body = [&](int) {
      ++running;
      while (running < workers) std::this_thread::yield();
    };
    tbb::parallel_for(0, workers, 1, body, tbb::simple_partitioner());
  }
  upload.Cancel("the test is over");
  graph.wait_for_all();
}

}  // namespace upload_node_shutdown_test
}  // namespace s3flow
