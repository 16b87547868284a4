// Whole runs in one process: files, graph, event loop and the embedded endpoint.
#include "pipeline/run/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "pipeline/journal/record.h"
#include "s3/hash/hash.h"
#include "tests/support/run_fixture.h"

namespace pipeline {
namespace run_test {

using s3::endpoint::FaultAction;
using s3::endpoint::FaultRule;
using testing::HasSubstr;

using RunTest = test::RunFixture;

TEST_F(RunTest, UploadsEverything) {
  WriteFiles(500);
  directory_.Write("data/empty", "");
  directory_.Write("data/sub/\xc3\xa9\n", "odd name");
  const auto run = Run();
  EXPECT_EQ(run.status, kExitOk);
  EXPECT_EQ(run.summary.uploaded, 502u);
  EXPECT_EQ(server_->store().CountObjects("bucket"), 502u);
  EXPECT_LE(server_->stats().max_in_flight.at("PutObject"), 16);
  ExpectAgreement(run);
}

TEST_F(RunTest, RetriesUntilAllArrive) {
  WriteFiles(60);
  FaultRule rule;
  rule.last_attempt = 2;
  rule.key = "*[05]";
  Fail(rule);
  rule.key = "*[16]";
  rule.action = FaultAction::kResetInBody;
  rule.last_attempt = 3;
  Fail(rule);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitOk);
  EXPECT_EQ(server_->stats().faults_injected, 12u * 2 + 12u * 3);
  // The transport itself resends when a reused connection dies before any response: such a reset is a fault,
  // but not an attempt.
  EXPECT_GE(run.summary.retries, 12u * 2);
  EXPECT_LE(run.summary.retries, server_->stats().faults_injected);
  ExpectAgreement(run);
}

TEST_F(RunTest, OneFailureDoesNotLoseTheOthers) {
  WriteFiles(30);
  FaultRule rule;
  rule.key = "f7";
  rule.status = 400;
  rule.code = "InvalidArgument";
  Fail(rule);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitSomeFailed);
  EXPECT_EQ(run.summary.failed, 1u);
  EXPECT_EQ(run.summary.uploaded, 29u);
  ExpectAgreement(run);
  EXPECT_THAT(test::ReadAll(run.run_dir + "/journal.jsonl"), HasSubstr("\"code\":\"InvalidArgument\""));
}

TEST_F(RunTest, RefusedCredentialsStopTheRunWithStatus77) {
  WriteFiles(1000);
  FaultRule rule;
  rule.last_attempt = 1000;
  rule.status = 403;
  rule.code = "InvalidAccessKeyId";
  Fail(rule);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitRefused);
  EXPECT_THAT(run.message, HasSubstr("InvalidAccessKeyId"));
  EXPECT_LT(run.summary.found, 1000u) << "the run continued although nothing can succeed";
  ExpectAgreement(run);
}

TEST_F(RunTest, DeniedAccessForAllIsStatus77AndForSomeStatus1) {
  WriteFiles(400);
  FaultRule rule;
  rule.last_attempt = 1000;
  rule.status = 403;
  rule.code = "AccessDenied";
  rule.key = "f1*";
  Fail(rule);
  const auto some = Run();
  EXPECT_EQ(some.status, kExitSomeFailed);
  ExpectAgreement(some);
  server_options_.faults[0].key = "**";
  options_.report.run_dir = directory_ / "run2";
  const auto all = Run();
  EXPECT_EQ(all.status, kExitRefused);
  EXPECT_LT(all.summary.found, 400u);
}

TEST_F(RunTest, AnEmptySourceIsStatus66UnlessAllowed) {
  EXPECT_EQ(Run().status, kExitNoInput);
  options_.source[0].allow_empty = true;
  options_.report.run_dir = directory_ / "run2";
  EXPECT_EQ(Run().status, kExitOk);
}

TEST_F(RunTest, AMissingRootIsStatus66BeforeAnythingIsSent) {
  WriteFiles(3);
  SourceRoot gone;
  gone.path = directory_ / "gone";
  options_.source.push_back(gone);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitNoInput);
  EXPECT_THAT(run.message, HasSubstr("gone: No such file"));
  EXPECT_TRUE(server_->stats().requests.empty());
}

TEST_F(RunTest, AFinishedRunIsNotStartedAgain) {
  WriteFiles(1);
  EXPECT_EQ(Run().status, kExitOk);
  const auto second = Run();
  EXPECT_EQ(second.status, kExitConfig);
  EXPECT_THAT(second.message, HasSubstr("belongs to a run that is complete"));
  EXPECT_TRUE(server_->stats().requests.empty());
}

// The endpoint delays every request. Another thread requests the stop once 16 requests are in flight.
TEST_F(RunTest, ADrainFinishesRequestsInFlightAndStartsNoMore) {
  WriteFiles(300);
  FaultRule rule;
  rule.action = FaultAction::kDelay;
  rule.delay = std::chrono::milliseconds(100);
  Fail(rule);
  server_.emplace(server_options_);
  auto s3_options = test::OptionsFor(*server_);
  std::thread stopper([this] {
    while (server_->stats().max_in_flight["PutObject"] < 16) std::this_thread::yield();
    stop_.Drain(StopCause::kTerminate, "got SIGTERM");
  });
  const auto run = pipeline::Run(options_, s3_options, {{server_->credentials(), "the test"}}, &stop_);
  stopper.join();
  EXPECT_EQ(run.status, kExitStopped);
  EXPECT_GE(run.summary.uploaded, 16u);
  EXPECT_LT(run.summary.found, 300u);
  ExpectAgreement(run);
}

TEST_F(RunTest, AStopDoesNotWaitForBackoffs) {
  WriteFiles(20);
  FaultRule rule;
  rule.last_attempt = 1000;
  Fail(rule);
  server_.emplace(server_options_);
  auto s3_options = test::OptionsFor(*server_);
  s3_options.retry.base_delay = s3_options.retry.cap = std::chrono::hours(10);
  std::thread stopper([this] {
    while (server_->stats().faults_injected < 16) std::this_thread::yield();
    stop_.Drain(StopCause::kInterrupt, "got SIGINT");
  });
  const auto run = pipeline::Run(options_, s3_options, {{server_->credentials(), "the test"}}, &stop_);
  stopper.join();
  EXPECT_EQ(run.status, kExitInterrupted);
  EXPECT_EQ(run.summary.cancelled, run.summary.found);
  ExpectAgreement(run);
}

TEST_F(RunTest, AnAbortCancelsRequestsThatHang) {
  WriteFiles(20);
  FaultRule rule;
  rule.last_attempt = 1000;
  rule.action = FaultAction::kNoResponse;
  Fail(rule);
  server_.emplace(server_options_);
  const auto s3_options = test::OptionsFor(*server_);  // without the abort, each would wait 30 s
  std::thread stopper([this] {
    while (server_->stats().faults_injected < 16) std::this_thread::yield();
    stop_.Drain(StopCause::kInterrupt, "got SIGINT");
    stop_.Abort();
  });
  const auto run = pipeline::Run(options_, s3_options, {{server_->credentials(), "the test"}}, &stop_);
  stopper.join();
  EXPECT_EQ(run.status, kExitInterrupted);
  EXPECT_EQ(run.summary.cancelled, 16u);
  ExpectAgreement(run);
}

TEST_F(RunTest, AFullDiskForTheJournalStopsTheRunWithStatus74) {
  WriteFiles(200);
  // A limit on file sizes acts like a full disk: the journal's writes fail after a few lines.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 3000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto run = Run();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(run.status, kExitJournal);
  EXPECT_THAT(run.message, HasSubstr("journal.jsonl: File too large"));
  EXPECT_LT(run.summary.found, 200u) << "the run continued although results cannot be recorded";
  EXPECT_TRUE(run.summary.AddsUp());
}

TEST(JournalLineTest, BytesThatAreNoTextAreBase64) {
  ObjectResult result;
  result.file = std::make_shared<InputFile>(InputFile{"/p\xff", "caf\xc3\xa9"});
  result.error = s3::Error{.kind = s3::ErrorKind::kPermanent,
                           .message = "bad \xff byte",
                           .http_status = 400,
                           .code = "X",
                           .request_id = "r"};
  const auto line = nlohmann::json::parse(ResultLine(result));
  EXPECT_EQ(s3::Base64Decode(line.at("path_base64").get<std::string>()), "/p\xff");
  EXPECT_EQ(line.at("key"), "caf\xc3\xa9");
  EXPECT_EQ(line.at("kind"), "permanent");
  EXPECT_EQ(line.at("http_status"), 400);
}

TEST(JournalLineTest, EveryByteStringSurvives) {
  auto random = test::SeededRandom();
  for (int i = 0; i < 2000; ++i) {
    std::string name;
    for (auto size = 1 + random() % 8; size > 0; --size)
      name += static_cast<char>(random() % 4 == 0 ? random() % 128 : 128 + random() % 128);
    ObjectResult result;
    result.file = std::make_shared<InputFile>(InputFile{name, "k"});
    const auto text = ResultLine(result);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    const auto line = nlohmann::json::parse(text);
    const auto back = line.contains("path")
                          ? line.at("path").get<std::string>()
                          : s3::Base64Decode(line.at("path_base64").get<std::string>()).value();
    EXPECT_EQ(back, name);
  }
}

}  // namespace run_test
}  // namespace pipeline
