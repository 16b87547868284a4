// The bodies of the graph, driven by plain threads instead of oneTBB. ThreadSanitizer understands
// these and not the uninstrumented oneTBB library: here nothing is suppressed, so this is where it
// can find a race between source, upload body, sink, console, client and event loop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "pipeline/sink.h"
#include "pipeline/source.h"
#include "pipeline/upload.h"
#include "s3/event_loop.h"
#include "s3/store_profiles.h"
#include "tests/support/support.h"

namespace pipeline {
namespace {

struct Bodies {
  explicit Bodies(s3::endpoint::ServerOptions server_options) : server(std::move(server_options)) {
    for (int i = 0; i < kFiles; ++i)
      directory.Write("data/f" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
    report.progress = ProgressStyle::kLines;
    report.log = LogLevel::kObjects;
    root.path = directory / "data";
  }

  // Source and sink are serial, as in the graph; uploads overlap.
  Summary Run(int threads) {
    s3::BlockingWaiter waiter;
    const auto options = test::OptionsFor(server);
    s3::EventLoop loop(options.transport, threads);
    s3::LearnedFacts facts(options.destination, s3::ResolveBucket(options.destination).value(), nullptr);
    auto credentials = test::Fixed({"s3flow", s3::Secret("s3flow-secret"), s3::Secret()});
    test::FreeAdmission free;
    s3::Client client(&facts, &credentials, &free.admission, options.retry,
                      s3::ResolveIntegrity(options.integrity, options.destination), &loop, &waiter,
                      stop.drain_token());
    const std::stop_callback on_drain(stop.drain_token(), [&] { loop.CancelSleeps(); });
    auto journal = Journal::Open(directory / "journal.jsonl", 0, nullptr).value();
    History history;
    Progress progress;
    Console console(report, &progress, null);
    BufferPool buffers(upload_options.memory_bytes);
    const auto rules = PropertyRules::Load({}).value();
    Source source(FinderOf(Walk({root}, "")), {}, upload_options, stop.drain_token(), &history, &progress);
    Uploader upload(
        {&client, &waiter, &buffers, &rules, &console, &progress, journal.get(), &history, nullptr,
         &upload_options, 1 << 20, stop.drain_token(),
         [&](std::chrono::milliseconds time) {
           waiter.Wait([&](s3::Wake wake) { loop.WakeAfter(time, wake); });
         },
         [&](const Object& object) { source.Again(object); },
         [&](std::shared_ptr<Object> stream, int number) { source.Ready(std::move(stream), number); }});
    Sink sink(journal.get(), &console, &progress, &stop);
    std::mutex source_mutex, sink_mutex;
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (;;) {
          std::unique_lock source_lock(source_mutex);
          auto item = source.Next(&waiter);
          source_lock.unlock();
          if (!item) return;
          const auto result = upload(std::get<UploadTask>(*item));
          if (!result) continue;
          std::lock_guard sink_lock(sink_mutex);
          sink.Record(*result);
          source.Settled();
        }
      });
    }
    for (auto& worker : workers) worker.join();
    auto summary = sink.summary();
    summary.found = source.found();
    return summary;
  }

  static constexpr int kFiles = 300;
  test::TempDir directory;
  std::FILE* const null = std::fopen("/dev/null", "w");
  ReportOptions report;
  UploadOptions upload_options;
  SourceRoot root;
  StopControl stop;
  s3::endpoint::Server server;
};

s3::endpoint::ServerOptions WithFault(s3::endpoint::FaultRule rule) {
  s3::endpoint::ServerOptions options;
  options.buckets = {"bucket"};
  options.faults.push_back(std::move(rule));
  return options;
}

TEST(RunBodiesTest, UploadAndRetryFromManyThreads) {
  s3::endpoint::FaultRule rule;
  rule.key = "*[13579]";
  rule.last_attempt = 2;
  Bodies bodies(WithFault(rule));
  const auto summary = bodies.Run(16);
  EXPECT_EQ(summary.uploaded, static_cast<std::uint64_t>(Bodies::kFiles));
  EXPECT_EQ(summary.retries, bodies.server.stats().faults_injected);
  EXPECT_EQ(summary.retries, 300u);
  EXPECT_TRUE(summary.AddsUp());
}

// Files of up to six parts, in memory for sixteen buffers of the smallest class.
TEST(RunBodiesTest, PartsAndRetriesFromManyThreads) {
  s3::endpoint::FaultRule rule;
  rule.key = "*[13579]";
  auto server_options = WithFault(rule);
  server_options.min_part_bytes = 50;
  Bodies bodies(std::move(server_options));
  bodies.upload_options.store_limits.min_part_bytes = bodies.upload_options.plan.part_bytes = 50;
  bodies.upload_options.plan.multipart_threshold_bytes = 100;
  bodies.upload_options.memory_bytes = 8 * 4096;
  const auto summary = bodies.Run(16);
  EXPECT_EQ(summary.uploaded, static_cast<std::uint64_t>(Bodies::kFiles));
  EXPECT_EQ(bodies.server.CountUploads("bucket"), 0u);
  EXPECT_GT(bodies.server.stats().requests["UploadPart"], 600u);
  EXPECT_GT(bodies.server.stats().faults_injected, 300u);
  EXPECT_TRUE(summary.AddsUp());
}

TEST(RunBodiesTest, StopWhileAllThreadsAreBusy) {
  s3::endpoint::FaultRule rule;
  rule.last_attempt = 1000;
  Bodies bodies(WithFault(rule));
  std::thread stopper([&] {
    while (bodies.server.stats().faults_injected < 100) std::this_thread::yield();
    bodies.stop.Drain(StopCause::kTerminate, "enough");
  });
  const auto summary = bodies.Run(16);
  stopper.join();
  EXPECT_TRUE(summary.AddsUp());
  EXPECT_EQ(summary.uploaded, 0u);
  EXPECT_LT(summary.found, static_cast<std::uint64_t>(Bodies::kFiles));
}

}  // namespace
}  // namespace pipeline
