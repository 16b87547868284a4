// Source, uploader and sink, driven by plain threads instead of oneTBB. ThreadSanitizer understands these
// threads, but not the uninstrumented oneTBB library. Nothing is suppressed here, so this is where it can
// find a race between source, uploader, sink, console, client and event loop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "pipeline/graph/sink.h"
#include "pipeline/graph/source.h"
#include "pipeline/upload/uploader.h"
#include "s3/stores/store_profiles.h"
#include "s3/transport/event_loop.h"
#include "tests/support/support.h"
#include "tests/support/task_threads.h"

namespace pipeline {
namespace uploader_test {

// Calls `watch` before each request and passes the request on.
class WatchedTransport final : public s3::Transport {
 public:
  using Watch = std::function<void(const s3::HttpRequest&)>;
  WatchedTransport(s3::Transport* next, Watch watch) : next_(next), watch_(std::move(watch)) {}
  void Send(s3::HttpRequest&& request, s3::HttpResponse* response, s3::Wake wake) override {
    if (watch_) watch_(request);
    next_->Send(std::move(request), response, wake);
  }
  void WakeAfter(std::chrono::milliseconds delay, s3::Wake wake) override { next_->WakeAfter(delay, wake); }
  void CancelSleeps() override { next_->CancelSleeps(); }
  void Abort() override { next_->Abort(); }

 private:
  s3::Transport* const next_;
  const Watch watch_;
};

struct UploadRun {
  explicit UploadRun(s3::endpoint::ServerOptions server_options) : server(std::move(server_options)) {
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
    WatchedTransport transport(&loop, before_send);
    s3::StoreContextCache facts(options.destination, s3::ResolveBucket(options.destination).value(), nullptr);
    auto credentials = test::Fixed(server.credentials());
    test::FreeAdmission free;
    s3::Client client(&facts, &credentials, &free.admission, options.retry,
                      s3::ResolveIntegrity(options.integrity, options.destination), &transport, &waiter,
                      stop.drain_token());
    const std::stop_callback on_drain(stop.drain_token(), [&] { loop.CancelSleeps(); });
    auto journal = Journal::Open(OwnDir::Open(directory.path()).value(), 0, nullptr).value();
    History history;
    Progress progress;
    Console console(report, &progress, null);
    BufferPool buffers(upload_options.memory_bytes);
    test::TaskThreads tasks(2);
    TasksInFlight in_flight;
    DigestScheduler digests(2, &waiter, [&](std::function<void()> task) { tasks.Enqueue(std::move(task)); });
    const auto rules = PropertyRules::Load({}).value();
    Source source(FinderOf(Walk({root}, "")), {}, upload_options, stop.drain_token(), &history, &progress);
    Uploader upload(
        {&client, &waiter, &buffers, &digests, &rules, &console, &progress, journal.get(), &history, nullptr,
         &upload_options, 1 << 20, stop.drain_token(),
         [&](std::chrono::milliseconds time) {
           waiter.Wait([&](s3::Wake wake) { loop.WakeAfter(time, wake); });
         },
         [&](const Object& object) { source.Requeue(object); },
         [&](std::shared_ptr<Object> stream, int number) { source.StreamReady(std::move(stream), number); },
         &in_flight});
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
          source.InputDone();
        }
      });
    }
    for (auto& worker : workers) worker.join();
    tasks.Finish();
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
  WatchedTransport::Watch before_send;
  StopControl stop;
  s3::endpoint::Server server;
};

s3::endpoint::ServerOptions WithFault(s3::endpoint::FaultRule rule) {
  s3::endpoint::ServerOptions options;
  options.buckets = {"bucket"};
  options.faults.push_back(std::move(rule));
  return options;
}

TEST(UploaderTest, UploadAndRetryFromManyThreads) {
  s3::endpoint::FaultRule rule;
  rule.key = "*[13579]";
  rule.last_attempt = 2;
  UploadRun run(WithFault(rule));
  const auto summary = run.Run(16);
  EXPECT_EQ(summary.uploaded, static_cast<std::uint64_t>(UploadRun::kFiles));
  EXPECT_EQ(summary.retries, run.server.stats().faults_injected);
  EXPECT_EQ(summary.retries, 300u);
  EXPECT_TRUE(summary.AddsUp());
}

// Files of up to six parts, with memory for eight buffers of the smallest class.
TEST(UploaderTest, PartsAndRetriesFromManyThreads) {
  s3::endpoint::FaultRule rule;
  rule.key = "*[13579]";
  auto server_options = WithFault(rule);
  server_options.min_part_bytes = 50;
  UploadRun run(std::move(server_options));
  run.upload_options.store_limits.min_part_bytes = run.upload_options.plan.part_bytes = 50;
  run.upload_options.plan.multipart_threshold_bytes = 100;
  run.upload_options.memory_bytes = 8 * 4096;
  const auto summary = run.Run(16);
  EXPECT_EQ(summary.uploaded, static_cast<std::uint64_t>(UploadRun::kFiles));
  EXPECT_EQ(run.server.CountUploads("bucket"), 0u);
  EXPECT_GT(run.server.stats().requests["UploadPart"], 600u);
  EXPECT_GT(run.server.stats().faults_injected, 300u);
  EXPECT_TRUE(summary.AddsUp());
}

// The file grows while it is sent. The store then has all digested bytes, but they are no longer the whole
// file, so the file is sent again.
TEST(UploaderTest, AFileThatChangesWhileItIsSentIsSentAgain) {
  UploadRun run({.buckets = {"bucket"}});
  const auto large = test::Content(300'000);
  const auto path = run.directory.Write("data/large", large);
  std::atomic<int> sent = 0;
  run.before_send = [&](const s3::HttpRequest& request) {
    if (request.path.find("large") == std::string::npos) return;
    EXPECT_EQ(request.body_file.bytes, large.size() + (sent > 0 ? 4 : 0)) << "it must be sent from the file";
    if (sent++ == 0) std::ofstream(path, std::ios::app) << "more";
  };
  const auto summary = run.Run(4);
  EXPECT_EQ(summary.uploaded, static_cast<std::uint64_t>(UploadRun::kFiles) + 1);
  EXPECT_EQ(sent, 2);
  const auto& store = run.server.store();
  EXPECT_EQ(store.Get("bucket", "large")->Read(0, large.size() + 4), large + "more");
}

TEST(UploaderTest, StopWhileAllThreadsAreBusy) {
  s3::endpoint::FaultRule rule;
  rule.last_attempt = 1000;
  UploadRun run(WithFault(rule));
  std::thread stopper([&] {
    while (run.server.stats().faults_injected < 100) std::this_thread::yield();
    run.stop.Drain(StopCause::kTerminate, "enough");
  });
  const auto summary = run.Run(16);
  stopper.join();
  EXPECT_TRUE(summary.AddsUp());
  EXPECT_EQ(summary.uploaded, 0u);
  EXPECT_LT(summary.found, static_cast<std::uint64_t>(UploadRun::kFiles));
}

}  // namespace uploader_test
}  // namespace pipeline
