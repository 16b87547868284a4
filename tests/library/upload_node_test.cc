// UploadNode in graphs of a program, against the embedded endpoint. The store is the judge: objects are read
// back.
#include "s3flow/upload_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/parallel_for.h>

#include <array>
#include <atomic>
#include <csignal>
#include <map>
#include <vector>

#include "s3/endpoint/server.h"
#include "s3/hash/hash.h"
#include "tests/library/library_fixture.h"
#include "tests/library/results.h"
#include "tests/support/support.h"

namespace s3flow {
namespace upload_node_test {

using library_test::BucketWith;
using library_test::BufferOf;
using library_test::Opened;
using library_test::OptionsFor;
using library_test::Results;
using library_test::Sha256Of;
using s3::endpoint::FaultAction;
using s3::endpoint::FaultRule;
using s3::endpoint::Server;
using testing::HasSubstr;
namespace flow = tbb::flow;

// A graph that is only an UploadNode and its results.
struct SmallGraph {
  explicit SmallGraph(const Options& options, const NodeOptions& node_options = {})
      : upload(graph, Opened(options), node_options), results(graph) {
    flow::make_edge(flow::output_port<0>(upload), results.port());
  }
  flow::graph graph;
  UploadNode upload;
  Results results;
};

TEST(UploadNodeTest, StoresFilesAndBuffersWithTheirHeaders) {
  Server server(BucketWith());
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.prefix = "run-7/";
  SmallGraph small(options);
  const auto path = directory.Write("f.json", "{}");
  auto file = UploadFile(path, "f.json", {{"x-amz-meta-step", "12"}});
  file.tag = 12;
  small.upload.try_put(file);
  small.upload.try_put(
      UploadBuffer(MoveToBuffer(std::vector<double>{1.5, 2.5}), "b", {{"Content-Type", "text/x"}}));
  small.upload.try_put(UploadBuffer(BufferOf(""), "empty"));
  small.graph.wait_for_all();

  ASSERT_EQ(small.results.size(), 3u);
  const auto& of_file = small.results.of("run-7/f.json");
  EXPECT_TRUE(of_file.uploaded());
  EXPECT_EQ(of_file.tag, 12u);
  EXPECT_EQ(of_file.bytes, 2u);
  EXPECT_EQ(of_file.attempts, 1);
  EXPECT_EQ(of_file.sha256, s3::Sha256Hex("{}"));
  EXPECT_EQ(of_file.sha256, Sha256Of(&server, "run-7/f.json"));
  EXPECT_EQ(of_file.checksum_algorithm, "MD5");
  const auto stored = server.store().Head("bucket", "run-7/f.json");
  EXPECT_EQ("\"" + stored->etag + "\"", of_file.etag);
  const std::array<double, 2> numbers{1.5, 2.5};
  EXPECT_EQ(Sha256Of(&server, "run-7/b"),
            s3::Sha256Hex({reinterpret_cast<const char*>(numbers.data()), sizeof numbers}));
  EXPECT_EQ(Sha256Of(&server, "run-7/empty"), s3::Sha256Hex(""));
  EXPECT_EQ(small.upload.statistics().open, 0u);
}

TEST(UploadNodeTest, ManySmallBuffersAreUploadedOnceEach) {
  Server server(BucketWith());
  constexpr int kCount = 2000;
  SmallGraph small(OptionsFor(server), {.max_open = 50});
  for (int i = 0; i < kCount; ++i) {
    small.upload.try_put(UploadBuffer(BufferOf("content " + std::to_string(i)), std::to_string(i)));
  }
  small.graph.wait_for_all();
  ASSERT_EQ(small.results.size(), static_cast<std::size_t>(kCount));
  for (int i = 0; i < kCount; ++i) {
    const auto key = std::to_string(i);
    EXPECT_TRUE(small.results.of(key).uploaded());
    EXPECT_EQ(Sha256Of(&server, key), s3::Sha256Hex("content " + key));
  }
}

TEST(UploadNodeTest, ALargeBufferIsSentInPartsWithoutACopy) {
  Server server(BucketWith({test::FaultOn("UploadPart", FaultAction::kStatus)}));
  auto options = OptionsFor(server);
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  options.memory_bytes = 10 << 20;
  SmallGraph small(options);
  const auto content = test::Content(23 << 20);
  small.upload.try_put(UploadBuffer(BufferOf(content), "large"));
  small.graph.wait_for_all();
  const auto& result = small.results.of("large");
  EXPECT_TRUE(result.uploaded()) << result.error->message;
  EXPECT_EQ(result.parts, 5);
  EXPECT_GT(result.attempts, 1);
  EXPECT_EQ(Sha256Of(&server, "large"), s3::Sha256Hex(content));
  EXPECT_EQ(small.upload.statistics().peak_memory_bytes, 0u) << "a buffer was copied";
  EXPECT_EQ(server.CountUploads("bucket"), 0u);
}

// sendfile(2) raises SIGPIPE when the connection is broken, and this program does not ignore it.
TEST(UploadNodeTest, ABrokenConnectionRaisesNoSignal) {
  Server server(BucketWith({{.operation = "UploadPart",
                             .last_attempt = 3,
                             .action = FaultAction::kResetInBody,
                             .after_bytes = 1000}}));
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  const auto content = test::Content(16 << 20);
  const auto path = directory.Write("large", content);
  ASSERT_NE(signal(SIGPIPE, SIG_DFL), SIG_ERR);
  {
    SmallGraph small(options);
    small.upload.try_put(UploadFile(path, "large"));
    small.graph.wait_for_all();
    EXPECT_TRUE(small.results.of("large").uploaded());
  }
  EXPECT_EQ(Sha256Of(&server, "large"), s3::Sha256Hex(content));
}

TEST(UploadNodeTest, MemoryStaysWithinTheBudget) {
  Server server(BucketWith());
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  options.memory_bytes = 12 << 20;
  SmallGraph small(options);
  std::map<std::string, std::string> digests;
  for (unsigned i = 0; i < 8; ++i) {
    const auto content = test::Content(6 << 20, i);
    const auto name = std::to_string(i);
    digests[name] = s3::Sha256Hex(content);
    small.upload.try_put(UploadFile(directory.Write(name, content), name));
  }
  small.graph.wait_for_all();
  for (const auto& [key, digest] : digests) EXPECT_EQ(Sha256Of(&server, key), digest);
  const auto peak = small.upload.statistics().peak_memory_bytes;
  EXPECT_GT(peak, 0u);
  EXPECT_LE(peak, options.memory_bytes);
}

TEST(UploadNodeTest, FailuresAreResultsWithAKind) {
  Server server(BucketWith({{.operation = "PutObject",
                             .key = "denied",
                             .last_attempt = 1000,
                             .status = 403,
                             .code = "AccessDenied"},
                            {.operation = "PutObject", .key = "broken", .last_attempt = 1000}}));
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.max_attempts = 3;
  SmallGraph small(options);
  for (const auto* key : {"denied", "broken", "fine"}) {
    small.upload.try_put(UploadBuffer(BufferOf("x"), key));
  }
  small.upload.try_put(UploadFile(directory / "nothing", "missing"));
  small.upload.try_put(UploadFile(directory.path(), "directory"));
  small.upload.try_put(UploadFile("", "neither"));
  small.upload.try_put(UploadBuffer(BufferOf("x"), std::string(2000, 'k')));
  small.upload.try_put(UploadBuffer(BufferOf("x"), "signed", {{"Authorization", "mine"}}));
  small.graph.wait_for_all();

  const auto expect = [&](const std::string& key, const std::string& kind, int attempts) {
    const auto& result = small.results.of(key);
    EXPECT_EQ(result.status, Status::kFailed) << key;
    EXPECT_EQ(result.error->kind, kind) << key << ": " << result.error->message;
    EXPECT_EQ(result.attempts, attempts) << key;
  };
  expect("denied", "access_denied", 1);
  expect("broken", "transient", 3);
  expect("missing", "local", 0);
  expect("directory", "unsupported", 0);
  expect("neither", "unsupported", 0);
  expect(std::string(2000, 'k'), "unsupported", 0);
  expect("signed", "unsupported", 0);
  EXPECT_EQ(small.results.of("denied").error->code, "AccessDenied");
  EXPECT_EQ(small.results.of("broken").error->http_status, 500);
  EXPECT_THAT(small.results.of("missing").error->message, HasSubstr("No such file"));
  EXPECT_TRUE(small.results.of("fine").uploaded());
}

TEST(UploadNodeTest, TransientErrorsAreRetried) {
  Server server(BucketWith({test::FaultOn("PutObject", FaultAction::kStatus, 2)}));
  SmallGraph small(OptionsFor(server));
  for (int i = 0; i < 20; ++i) {
    small.upload.try_put(UploadBuffer(BufferOf("x"), std::to_string(i)));
  }
  small.graph.wait_for_all();
  for (const auto& [key, result] : small.results.all()) {
    EXPECT_TRUE(result.uploaded()) << key;
    EXPECT_EQ(result.attempts, 3) << key;
  }
  EXPECT_EQ(small.upload.statistics().retries, 40u);
}

TEST(UploadNodeTest, TwoNodesOfOneGraphUploadToTwoStores) {
  Server first(BucketWith()), second(BucketWith({test::FaultOn("PutObject", FaultAction::kStatus)}));
  flow::graph graph;
  flow::broadcast_node<Upload> both(graph);
  UploadNode to_first(graph, Opened(OptionsFor(first))), to_second(graph, Opened(OptionsFor(second)));
  Results of_first(graph), of_second(graph);
  flow::make_edge(both, flow::input_port<0>(to_first));
  flow::make_edge(both, flow::input_port<0>(to_second));
  flow::make_edge(flow::output_port<0>(to_first), of_first.port());
  flow::make_edge(flow::output_port<0>(to_second), of_second.port());
  for (int i = 0; i < 100; ++i) {
    both.try_put(UploadBuffer(BufferOf(std::to_string(i)), std::to_string(i)));
  }
  graph.wait_for_all();
  for (int i = 0; i < 100; ++i) {
    const auto key = std::to_string(i);
    EXPECT_EQ(Sha256Of(&first, key), s3::Sha256Hex(key));
    EXPECT_EQ(Sha256Of(&second, key), s3::Sha256Hex(key));
    EXPECT_EQ(of_first.of(key).attempts, 1);
    EXPECT_EQ(of_second.of(key).attempts, 2);
  }
}

// The input_node makes a buffer only when the node has taken the one before.
TEST(UploadNodeTest, AFullNodeRejectsSoFewBuffersExistAtATime) {
  Server server(BucketWith());
  constexpr int kCount = 200;
  std::atomic<int> alive{0};
  int max_alive = 0;
  flow::graph graph;
  int made = 0;
  flow::input_node<Upload> make(graph, [&](tbb::flow_control& control) {
    if (made == kCount) {
      control.stop();
      return Upload();
    }
    max_alive = std::max(max_alive, ++alive);
    const std::shared_ptr<const std::byte[]> bytes(new std::byte[1000](), [&alive](const std::byte* data) {
      --alive;
      delete[] data;
    });
    return UploadBuffer(ShareBuffer(bytes, 1000), std::to_string(made++));
  });
  UploadNode upload(graph, Opened(OptionsFor(server)), {.max_open = 4, .when_full = WhenFull::kReject});
  Results results(graph);
  flow::make_edge(make, flow::input_port<0>(upload));
  flow::make_edge(flow::output_port<0>(upload), results.port());
  make.activate();
  graph.wait_for_all();
  EXPECT_EQ(results.size(), static_cast<std::size_t>(kCount));
  // Four are open. One more waits in the input_node, and one may belong to a result that is on its way.
  EXPECT_LE(max_alive, 4 + 4);
}

// The library has threads of its own, so it uploads even if the caller keeps all workers.
TEST(UploadNodeTest, UploadsGoOnWhileTheCallerKeepsAllWorkers) {
  Server server(BucketWith());
  SmallGraph small(OptionsFor(server));
  std::atomic<bool> stored{false};
  small.upload.try_put(UploadBuffer(BufferOf("x"), "key"));
  tbb::parallel_for(0, 64, [&](int) {
    while (!stored) {
      if (server.store().Head("bucket", "key")) stored = true;
      std::this_thread::yield();
    }
  });
  small.graph.wait_for_all();
  EXPECT_TRUE(small.results.of("key").uploaded());
}

TEST(UploadNodeTest, AGraphMayWaitSeveralTimes) {
  Server server(BucketWith());
  SmallGraph small(OptionsFor(server));
  for (int round = 0; round < 5; ++round) {
    small.upload.try_put(UploadBuffer(BufferOf("x"), std::to_string(round)));
    small.graph.wait_for_all();
    EXPECT_EQ(small.results.size(), static_cast<std::size_t>(round + 1));
  }
}

}  // namespace upload_node_test
}  // namespace s3flow
