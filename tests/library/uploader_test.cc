// Uploader without a flow graph: options, run directory, cancellation.
#include "s3flow/uploader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/journal/history.h"
#include "tests/library/library_fixture.h"
#include "tests/support/support.h"

namespace s3flow {
namespace uploader_test {

using library_test::BucketWith;
using library_test::BufferOf;
using library_test::Opened;
using library_test::OptionsFor;
using library_test::Sha256Of;
using s3::endpoint::FaultAction;
using s3::endpoint::FaultRule;
using s3::endpoint::Server;
using testing::HasSubstr;

// Uploads everything, and returns the results by key.
std::map<std::string, UploadResult> UploadAll(const Options& options, const std::vector<Upload>& uploads) {
  std::map<std::string, UploadResult> results;
  auto uploader = Opened(options);
  uploader.Start([&](UploadResult result) { results.emplace(result.key, result); });
  for (const auto& upload : uploads) uploader.Submit(upload);
  uploader.Wait();
  return results;
}

TEST(EmbeddedUploaderTest, WrongOptionsAreAnErrorOfOpen) {
  const Server server(BucketWith());
  const auto expect = [&](const std::string& message, auto change) {
    auto options = OptionsFor(server);
    change(&options);
    const auto opened = Uploader::Open(options);
    ASSERT_FALSE(opened) << message;
    EXPECT_THAT(opened.error().message, HasSubstr(message));
  };
  expect("bucket", [](Options* options) { options->bucket = ""; });
  expect("store_profile", [](Options* options) { options->store_profile = "s4"; });
  expect("max_attempts", [](Options* options) { options->max_attempts = 0; });
  expect("concurrency", [](Options* options) { options->concurrency = -1; });
  expect("max_attempts", [](Options* options) { options->max_attempts = 1001; });
  expect("threads", [](Options* options) { options->threads = 257; });
  expect("event_loops", [](Options* options) { options->event_loops = -1; });
  expect("requests_per_second", [](Options* options) { options->requests_per_second = 1'000'001; });
  expect("memory_bytes", [](Options* options) { options->memory_bytes = 1; });
  expect("part_bytes", [](Options* options) { options->part_bytes = 1000; });
  expect("half of memory_bytes", [](Options* options) { options->memory_bytes = 20 << 20; });
  expect("run_dir", [](Options* options) { options->run_dir = "/proc/nowhere"; });
}

// A time of 0 would repeat every request at once, for ever.
TEST(EmbeddedUploaderTest, DurationsHaveTheBoundsOfAJobFile) {
  const Server server(BucketWith());
  using std::chrono::milliseconds;
  struct Case {
    const char* name;
    milliseconds Options::*field;
    int least_ms;
  };
  for (const auto& [name, field, least_ms] :
       {Case{"connect_timeout", &Options::connect_timeout, 10},
        Case{"stall_window", &Options::stall_window, 100}, Case{"base_delay", &Options::base_delay, 1},
        Case{"max_delay", &Options::max_delay, 1}, Case{"outage", &Options::outage, 0},
        Case{"drain", &Options::drain, 0}}) {
    for (const auto wrong : {milliseconds(least_ms - 1), milliseconds(-5), milliseconds::min(),
                             milliseconds::max(), milliseconds(std::chrono::days(366))}) {
      auto options = OptionsFor(server);
      options.*field = wrong;
      const auto opened = Uploader::Open(options);
      ASSERT_FALSE(opened) << name << " " << wrong.count();
      EXPECT_THAT(opened.error().message, HasSubstr(std::string(name) + ": must be at "));
      EXPECT_EQ(opened.error().kind, "unsupported");
    }
    auto options = OptionsFor(server);
    options.base_delay = milliseconds(1);
    options.*field = milliseconds(least_ms);
    EXPECT_TRUE(Uploader::Open(options)) << name;
  }
  auto options = OptionsFor(server);
  options.base_delay = milliseconds(11);
  options.max_delay = milliseconds(10);
  EXPECT_THAT(Uploader::Open(options).error().message, HasSubstr("max_delay: must not be smaller"));
}

// oneTBB ends the process if a suspended task gets no stack. So Open() must see that there is no room.
TEST(EmbeddedUploaderTest, TooLittleAddressSpaceIsAnErrorOfOpen) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer reserves terabytes of addresses";
#endif
  const Server server(BucketWith());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  std::uint64_t pages = 0;
  ASSERT_TRUE(std::ifstream("/proc/self/statm") >> pages);
  const auto used = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const rlimit tight{used + (200ull << 20), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  const auto opened = Uploader::Open(OptionsFor(server));
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, "local");
  EXPECT_THAT(opened.error().message, HasSubstr("raise ulimit -v"));
}

TEST(EmbeddedUploaderTest, OneThreadAndOneRequestAtATimeAreEnough) {
  Server server(BucketWith());
  auto options = OptionsFor(server);
  options.threads = options.concurrency = 1;
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  std::vector<Upload> uploads{UploadBuffer(BufferOf(test::Content(11 << 20)), "large")};
  for (int i = 0; i < 50; ++i) uploads.push_back(UploadBuffer(BufferOf("x"), std::to_string(i)));
  const auto results = UploadAll(options, uploads);
  EXPECT_EQ(results.size(), 51u);
  for (const auto& [key, result] : results) EXPECT_TRUE(result.uploaded()) << key;
  EXPECT_EQ(Sha256Of(&server, "large"), s3::Sha256Hex(test::Content(11 << 20)));
}

TEST(EmbeddedUploaderTest, AnUnusedUploaderEnds) {
  const Server server(BucketWith());
  const auto never_started = Opened(OptionsFor(server));
  EXPECT_TRUE(UploadAll(OptionsFor(server), {}).empty());
}

TEST(EmbeddedUploaderTest, AnExceptionOfTheReceiverCancelsTheRest) {
  // ASan does not know oneTBB's stacks: after an exception has unwound such a stack, ASan takes the next
  // frames for the unwound ones. https://github.com/google/sanitizers/issues/189
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "an exception on a stack of oneTBB causes false alarms of ASan";
#endif
  Server server(BucketWith());
  auto options = OptionsFor(server);
  options.concurrency = 1;
  auto uploader = Opened(options);
  std::map<std::string, UploadResult> results;
  uploader.Start([&](UploadResult result) {
    results.emplace(result.key, result);
    if (results.size() == 1) throw std::runtime_error("the receiver's own");
  });
  for (int i = 0; i < 20; ++i) uploader.Submit(UploadBuffer(BufferOf("x"), std::to_string(i)));
  uploader.Wait();
  EXPECT_EQ(results.size(), 20u);
  EXPECT_EQ(results.at("19").status, Status::kCancelled);
}

TEST(EmbeddedUploaderTest, ALaterUploaderSkipsWhatIsStoredAndUploadsTheRest) {
  Server server(
      BucketWith({{.operation = "PutObject", .key = "denied", .status = 403, .code = "AccessDenied"}}));
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.run_dir = directory / "run";
  std::vector<Upload> uploads;
  for (const std::string name : {"kept", "changed", "denied"}) {
    uploads.push_back(UploadFile(directory.Write(name, name), name));
  }
  uploads.push_back(UploadBuffer(BufferOf("first"), "buffer"));
  auto results = UploadAll(options, uploads);
  EXPECT_TRUE(results.at("kept").uploaded());
  EXPECT_EQ(results.at("denied").error->kind, "access_denied");

  directory.Write("changed", "with other content");
  uploads.back() = UploadBuffer(BufferOf("other"), "buffer");
  results = UploadAll(options, uploads);
  EXPECT_EQ(results.at("kept").status, Status::kSkipped);
  EXPECT_THAT(results.at("kept").reason, HasSubstr("an earlier uploader"));
  for (const auto* key : {"changed", "denied", "buffer"}) EXPECT_TRUE(results.at(key).uploaded()) << key;
  EXPECT_EQ(Sha256Of(&server, "changed"), s3::Sha256Hex("with other content"));
  EXPECT_EQ(Sha256Of(&server, "buffer"), s3::Sha256Hex("other"));
  const auto history = pipeline::History::Load(options.run_dir + "/journal.jsonl");
  ASSERT_TRUE(history);
  EXPECT_TRUE(history->complete());
  EXPECT_EQ(history->run()->session, 2);
  EXPECT_EQ(history->inputs().done().uploaded, 4u);
}

TEST(EmbeddedUploaderTest, ALaterUploaderResumesALargeBuffer) {
  // The third part hangs, until the uploader is cancelled; or, if that came first, once in the later
  // uploader.
  Server server(BucketWith({{.operation = "UploadPart",
                             .first_attempt = 3,
                             .last_attempt = 3,
                             .action = FaultAction::kNoResponse}}));
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.run_dir = directory / "run";
  options.concurrency = 1;
  options.drain = std::chrono::milliseconds(50);
  options.stall_window = std::chrono::milliseconds(500);
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  const auto content = test::Content(21 << 20);
  UploadResult cancelled;
  {
    auto uploader = Opened(options);
    uploader.Start([&](UploadResult result) { cancelled = std::move(result); });
    uploader.Submit(UploadBuffer(BufferOf(content), "large"));
    while (uploader.statistics().sent_bytes < 10 << 20) std::this_thread::yield();
    uploader.Cancel("the queue's time is over");
    uploader.Wait();
  }
  EXPECT_EQ(cancelled.status, Status::kCancelled);
  EXPECT_EQ(server.CountUploads("bucket"), 1u);

  const auto results = UploadAll(options, {UploadBuffer(BufferOf(content), "large")});
  EXPECT_TRUE(results.at("large").uploaded());
  EXPECT_EQ(results.at("large").reused_parts, 2);
  EXPECT_EQ(Sha256Of(&server, "large"), s3::Sha256Hex(content));
  EXPECT_EQ(server.CountUploads("bucket"), 0u);
}

// The completion of the first buffer takes effect, but the process ends before it learns that. A buffer with
// the same key and size, but other content, is then no buffer that is stored already.
TEST(EmbeddedUploaderTest, ALargeBufferIsNotTakenForAnEarlierOne) {
  Server server(BucketWith(
      {{.operation = "CompleteMultipartUpload", .action = FaultAction::kNoResponse, .applied = true}}));
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.run_dir = directory / "run";
  options.drain = std::chrono::milliseconds(50);
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  const auto first = test::Content(11 << 20);
  const auto second = std::string(first.rbegin(), first.rend());
  {
    auto uploader = Opened(options);
    uploader.Start([](const UploadResult&) {});
    uploader.Submit(UploadBuffer(BufferOf(first), "checkpoint"));
    while (Sha256Of(&server, "checkpoint") == "(absent)") std::this_thread::yield();
    uploader.Cancel("the queue's time is over");
    uploader.Wait();
  }
  const auto results = UploadAll(options, {UploadBuffer(BufferOf(second), "checkpoint")});
  EXPECT_TRUE(results.at("checkpoint").uploaded());
  EXPECT_EQ(Sha256Of(&server, "checkpoint"), s3::Sha256Hex(second));
}

// A key may be written again within one session, and what the journal knew of it is then out of date.
TEST(EmbeddedUploaderTest, AFileIsNotSkippedAfterItsKeyWasWrittenAgain) {
  Server server(BucketWith());
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.run_dir = directory / "run";
  const auto a = UploadFile(directory.Write("a", "content a"), "latest");
  const auto b = UploadFile(directory.Write("b", "content b"), "latest");
  EXPECT_TRUE(UploadAll(options, {a}).at("latest").uploaded());
  auto uploader = Opened(options);
  std::vector<Status> statuses;
  uploader.Start([&](const UploadResult& result) { statuses.push_back(result.status); });
  for (const auto& upload : {b, a}) {
    uploader.Submit(upload);
    uploader.Wait();
  }
  EXPECT_THAT(statuses, testing::Each(Status::kUploaded));
  EXPECT_EQ(Sha256Of(&server, "latest"), s3::Sha256Hex("content a"));
}

// Without a journal nobody would find the parts again.
TEST(EmbeddedUploaderTest, WithoutARunDirectoryACancelledUploadIsAborted) {
  Server server(BucketWith({{.operation = "UploadPart",
                             .first_attempt = 2,
                             .action = FaultAction::kDelay,
                             .delay = std::chrono::milliseconds(100)}}));
  auto options = OptionsFor(server);
  options.concurrency = 1;
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  auto uploader = Opened(options);
  Status status = Status::kUploaded;
  uploader.Start([&](const UploadResult& result) { status = result.status; });
  uploader.Submit(UploadBuffer(BufferOf(test::Content(21 << 20)), "large"));
  while (uploader.statistics().sent_bytes < 5 << 20) std::this_thread::yield();
  uploader.Cancel("enough");
  uploader.Wait();
  EXPECT_EQ(status, Status::kCancelled);
  EXPECT_EQ(server.CountUploads("bucket"), 0u);
}

std::vector<FaultRule> PartsFailAndAbortsHang() {
  return {{.operation = "UploadPart", .last_attempt = 1000, .status = 403, .code = "AccessDenied"},
          {.operation = "AbortMultipartUpload", .last_attempt = 1, .action = FaultAction::kNoResponse}};
}

TEST(EmbeddedUploaderTest, AResultNamesTheUploadThatCouldNotBeAbortedInTime) {
  Server server(BucketWith(PartsFailAndAbortsHang()));
  auto options = OptionsFor(server);
  options.drain = std::chrono::milliseconds(50);
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  auto uploader = Opened(options);
  UploadResult result;
  uploader.Start([&](UploadResult given) { result = std::move(given); });
  uploader.Submit(UploadBuffer(BufferOf(test::Content(11 << 20)), "large"));
  while (!server.stats().requests.contains("AbortMultipartUpload")) std::this_thread::yield();
  uploader.Cancel("enough");
  uploader.Wait();
  EXPECT_EQ(result.status, Status::kFailed);
  EXPECT_THAT(result.error->message,
              testing::ContainsRegex("its multipart upload [^ ]+ could not be aborted"));
  EXPECT_EQ(server.CountUploads("bucket"), 1u);
}

// The input need not be submitted again.
TEST(EmbeddedUploaderTest, ALaterUploaderAbortsWhatAnEarlierOneCouldNotAbort) {
  Server server(BucketWith(PartsFailAndAbortsHang()));
  const test::TempDir directory;
  auto options = OptionsFor(server);
  options.run_dir = directory / "run";
  options.drain = std::chrono::milliseconds(50);
  options.part_bytes = options.multipart_threshold_bytes = 5 << 20;
  {
    auto uploader = Opened(options);
    uploader.Start([](const UploadResult&) {});
    uploader.Submit(UploadBuffer(BufferOf(test::Content(11 << 20)), "large"));
    while (!server.stats().requests.contains("AbortMultipartUpload")) std::this_thread::yield();
  }
  EXPECT_EQ(server.CountUploads("bucket"), 1u);
  options.drain = std::chrono::seconds(20);
  EXPECT_TRUE(UploadAll(options, {UploadBuffer(BufferOf("x"), "small")}).at("small").uploaded());
  EXPECT_EQ(server.CountUploads("bucket"), 0u);
}

}  // namespace uploader_test
}  // namespace s3flow
