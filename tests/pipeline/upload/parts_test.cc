// Large files in whole runs: parts, memory, files that change, streams.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "pipeline/graph/graph.h"
#include "tests/support/run_fixture.h"

namespace pipeline {
namespace {

using s3::endpoint::FaultAction;
using s3::endpoint::FaultRule;
using test::Content;
using test::FaultOn;
using testing::HasSubstr;

class PartsTest : public test::RunFixture {
 protected:
  PartsTest() { UseSmallParts(); }
};

TEST_F(PartsTest, SmallAndLargeFilesInOneRun) {
  WriteFiles(100);
  const std::vector<std::size_t> sizes{0, 1, 1000, 1999, 2000, 2001, 2999, 3000, 3001, 10'000, 123'456};
  for (const auto size : sizes) directory_.Write("data/large/" + std::to_string(size), Content(size));
  server_options_.latency =
      std::chrono::milliseconds(10);  // else each may be answered before the next is sent
  const auto run = Run();
  EXPECT_EQ(run.status, kExitOk);
  EXPECT_EQ(run.summary.uploaded, 100u + sizes.size());
  ExpectAgreement(run);
  auto stats = server_->stats();
  EXPECT_EQ(stats.requests["CreateMultipartUpload"], 6u);
  EXPECT_EQ(stats.requests["UploadPart"], 3u + 3 + 3 + 4 + 10 + 124);
  EXPECT_LE(stats.max_in_flight["UploadPart"], 16);
  EXPECT_GT(stats.max_in_flight["UploadPart"], 1) << "parts of one file go side by side";
}

TEST_F(PartsTest, EveryFaultOnEveryOperationEndsWithTheRightObjects) {
  WriteFiles(10);
  for (int i = 0; i < 5; ++i) directory_.Write("data/large" + std::to_string(i), Content(5500, 3));
  int round = 0;
  for (const auto* operation :
       {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"}) {
    for (const auto action : {FaultAction::kStatus, FaultAction::kResetBefore, FaultAction::kResetInBody,
                              FaultAction::kLostResponse, FaultAction::kErrorIn200, FaultAction::kFlipBit}) {
      // A Create whose answer is lost leaves an upload that nobody knows: no client can tell it from
      // another's. See DESIGN.md.
      const bool orphans =
          std::string_view(operation) == "CreateMultipartUpload" && action == FaultAction::kLostResponse;
      if (orphans) continue;
      SCOPED_TRACE(std::string(operation) + " " + std::to_string(static_cast<int>(action)));
      server_options_.faults = {FaultOn(operation, action, 2)};
      server_options_.faults[0].after_bytes = 10;
      options_.report.run_dir = directory_ / ("run" + std::to_string(round++));
      const auto run = Run();
      EXPECT_EQ(run.status, kExitOk) << run.message;
      ExpectAgreement(run);
      const bool has_body = std::string_view(operation) != "CreateMultipartUpload";
      if (has_body || action != FaultAction::kFlipBit) {
        EXPECT_GT(server_->stats().faults_injected, 0u);
      }
    }
  }
}

TEST_F(PartsTest, APartThatFailsForGoodFailsTheFileAndLeavesNoUpload) {
  WriteFiles(20);
  directory_.Write("data/large", Content(50'000));
  auto rule = FaultOn("UploadPart", FaultAction::kStatus, 1000);
  rule.first_attempt = 7;
  rule.status = 400;
  rule.code = "InvalidRequest";
  Fail(rule);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitSomeFailed);
  EXPECT_EQ(run.summary.failed, 1u);
  EXPECT_EQ(run.summary.uploaded, 20u);
  ExpectAgreement(run);
  EXPECT_LT(server_->stats().requests["UploadPart"], 50u) << "parts are begun after one has failed";
}

TEST_F(PartsTest, AnUploadThatCannotBeAbortedIsNamed) {
  directory_.Write("data/large", Content(5000));
  auto fatal = FaultOn("UploadPart", FaultAction::kStatus, 1000);
  fatal.status = 400;
  fatal.code = "InvalidRequest";
  Fail(fatal);
  Fail(FaultOn("AbortMultipartUpload", FaultAction::kStatus, 1000));
  const auto run = Run();
  EXPECT_EQ(run.status, kExitSomeFailed);
  EXPECT_THAT(Journal(run).at(0).at("message").get<std::string>(), HasSubstr("is left in the store"));
}

TEST_F(PartsTest, WhatAStopLeavesTheNextSessionGoesOnWith) {
  for (int i = 0; i < 4; ++i) directory_.Write("data/large" + std::to_string(i), Content(100'000));
  auto slow = FaultOn("UploadPart", FaultAction::kDelay, 1000);
  slow.delay = std::chrono::milliseconds(20);
  Fail(slow);
  StartServer();
  std::thread stopper([this] {
    while (server_->stats().requests["UploadPart"] < 30) std::this_thread::yield();
    stop_.Drain(StopCause::kTerminate, "SIGTERM came");
  });
  const auto run = RunAgainst(test::OptionsFor(*server_));
  stopper.join();
  EXPECT_EQ(run.status, kExitStopped);
  EXPECT_GT(run.summary.cancelled, 0u);
  EXPECT_GT(server_->CountUploads("bucket"), 0u) << "nothing is left to go on with";
  const auto parts = server_->stats().requests["UploadPart"];

  StopControl stop;
  const auto again = RunAgainst(test::OptionsFor(*server_), &stop);
  EXPECT_EQ(again.status, kExitOk) << again.message;
  EXPECT_EQ(again.summary.uploaded, 4u);
  EXPECT_GT(again.summary.reused_parts, 0u);
  EXPECT_EQ(server_->stats().requests["UploadPart"], 400) << parts << " of them in the first session";
  ExpectAgreement(again);
}

// Ten thousand parts, the most there can be.
TEST_F(PartsTest, TenThousandPartsOfOneSparseFile) {
  const auto path = directory_.Write("data/sparse", "");
  std::filesystem::resize_file(path, 10'000'000);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitOk);
  EXPECT_EQ(Journal(run).at(0).at("parts"), 10'000);
  ExpectAgreement(run);
}

TEST_F(PartsTest, ExistingKeysAreSkippedWhenAskedFor) {
  WriteFiles(10);
  directory_.Write("data/large", Content(5000));
  options_.object.properties.Set("if-none-match", "*");
  EXPECT_EQ(Run().summary.uploaded, 11u);
  auto s3_options = test::OptionsFor(*server_);
  options_.report.run_dir = directory_ / "run2";
  directory_.Write("data/new", "x");
  const auto again = RunAgainst(s3_options);
  EXPECT_EQ(again.status, kExitOk);
  EXPECT_EQ(again.summary.skipped, 11u);
  EXPECT_EQ(again.summary.uploaded, 1u);
}

// Whatever the checksum is: sent, compared, asked for again.
TEST_F(PartsTest, EveryIntegrityModeWithVerify) {
  WriteFiles(10);
  directory_.Write("data/large", Content(5000));
  int round = 0;
  for (const auto payload :
       {s3::PayloadMode::kSha256, s3::PayloadMode::kUnsigned, s3::PayloadMode::kStreaming}) {
    for (const auto checksum : {s3::ChecksumAlgorithm::kAuto, s3::ChecksumAlgorithm::kNone,
                                s3::ChecksumAlgorithm::kMd5, s3::ChecksumAlgorithm::kCrc32c,
                                s3::ChecksumAlgorithm::kCrc64Nvme, s3::ChecksumAlgorithm::kSha256}) {
      SCOPED_TRACE(round);
      integrity_ = {.payload = payload, .checksum = checksum, .verify_head = true};
      options_.report.run_dir = directory_ / ("run" + std::to_string(round++));
      const auto run = Run();
      EXPECT_EQ(run.status, kExitOk);
      ExpectAgreement(run);
      EXPECT_EQ(server_->stats().requests["HeadObject"], 11u);
    }
  }
}

// How it changes, and whether it is sent in one piece.
class ChangingFileTest : public test::RunFixture,
                         public testing::WithParamInterface<std::tuple<const char*, bool>> {};

// A writer changes the file at random moments of its upload, again and again. Versions are told
// apart by their bytes: every byte of a version is the same, so a mixture shows.
TEST_P(ChangingFileTest, TheObjectIsOneVersionOrNone) {
  namespace fs = std::filesystem;
  const std::string_view how = std::get<0>(GetParam());
  const bool whole = std::get<1>(GetParam());
  const std::size_t bytes = whole ? 400'000 : 20'000;
  if (!whole) UseSmallParts();
  auto random = test::SeededRandom();
  server_options_.latency = std::chrono::milliseconds(1);
  options_.upload.changed_file_retries = 3;
  options_.upload.concurrency = 4;
  StartServer();
  const auto s3_options = test::OptionsFor(*server_);
  int uploaded = 0, changed = 0, outlived = 0;
  std::uint64_t restarts = 0;
  for (int round = 0; round < 20; ++round) {
    const auto path = directory_.Write("data/f", std::string(bytes, 'a'));
    std::atomic<bool> done{false};
    // Old enough to be read at once: else every upload would begin with a pause.
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    std::thread writer([&, seed = random()] {
      std::mt19937_64 own(seed);
      for (int version = 1; version <= 25 && !done; ++version) {
        // Random moments are the point here; nothing is decided by the time.
        std::this_thread::sleep_for(std::chrono::microseconds(own() % (version == 1 ? 12'000 : 60'000)));
        const char letter = static_cast<char>('a' + version);
        if (how == "rewritten") {
          std::fstream file(path, std::ios::in | std::ios::out);
          file << std::string(bytes, letter) << std::flush;
        } else if (how == "replaced") {
          fs::rename(directory_.Write("next", std::string(bytes, letter)), path);
        } else if (how == "truncated") {
          fs::resize_file(path, bytes - static_cast<std::size_t>(version) * 700);
        } else {
          std::ofstream(path, std::ios::app) << std::string(1000, 'a');
        }
      }
    });
    options_.report.run_dir = directory_ / ("run" + std::to_string(round));
    const auto run = RunAgainst(s3_options);
    done = true;
    writer.join();
    ASSERT_TRUE(run.summary.AddsUp());
    ASSERT_EQ(server_->CountUploads("bucket"), 0u);
    const auto line = Journal(run).at(0);
    if (line.at("outcome") == "uploaded") {
      ++uploaded;
      const auto stored = Stored("f");
      ASSERT_EQ(stored.size(), line.at("size").get<std::size_t>());
      // In place a version can be half written when it is read: what counts is that it is what the
      // file was at one moment, so a mixture is old bytes behind new ones.
      if (how == "rewritten") {
        ASSERT_TRUE(std::is_sorted(stored.rbegin(), stored.rend())) << "round " << round;
        const bool two = stored.front() != stored.back();
        ASSERT_TRUE(!two || stored.front() == stored.back() + 1)
            << "more than two versions in round " << round;
      } else {
        ASSERT_EQ(stored, std::string(stored.size(), stored.front())) << "round " << round;
        // The version that was opened stays what it is under its descriptor.
        if (how == "replaced" && stored != test::ReadAll(path)) ++outlived;
      }
    } else {
      ++changed;
      ASSERT_EQ(line.at("kind"), "changed") << line;
    }
    restarts += run.summary.retries;
    server_->store().DeleteObject("bucket", "f");
  }
  std::printf("%d uploaded, %d given up as changed, %d begun again\n", uploaded, changed,
              static_cast<int>(restarts));
  EXPECT_GT(changed + static_cast<int>(restarts) + outlived, 0)
      << "no change fell into an upload: nothing was tested";
}

INSTANTIATE_TEST_SUITE_P(Ways, ChangingFileTest,
                         testing::Combine(testing::Values("rewritten", "replaced", "truncated", "grown"),
                                          testing::Bool()),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param)) +
                                  (std::get<1>(test.param) ? "Whole" : "InParts");
                         });

// One fault at a time opens the door for a change at a known place: between the first part and the last.
TEST_F(PartsTest, AFileThatChangesAtEveryAttemptIsGivenUpAsChanged) {
  const auto path = directory_.Write("data/f", Content(5000));
  options_.upload.changed_file_retries = 2;
  auto slow = FaultOn("UploadPart", FaultAction::kDelay, 1000);
  slow.delay = std::chrono::milliseconds(30);
  Fail(slow);
  StartServer();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    while (!done) {
      std::ofstream(path, std::ios::app) << "x";
      std::this_thread::yield();
    }
  });
  const auto run = RunAgainst(test::OptionsFor(*server_));
  done = true;
  writer.join();
  EXPECT_EQ(run.status, kExitSomeFailed);
  EXPECT_EQ(Journal(run).at(0).at("kind"), "changed");
  ExpectAgreement(run);
}

class StreamTest : public PartsTest {
 protected:
  StreamTest() {
    options_.source.clear();
    SourceRoot root;
    root.path = directory_ / "fifo";
    root.stream = true;
    mkfifo(root.path.c_str(), 0600);
    options_.source.push_back(root);
  }
  RunResult RunWithWriter(const std::string& content, std::size_t piece) {
    std::thread writer([&] {
      const int fd = open((directory_ / "fifo").c_str(), O_WRONLY | O_CLOEXEC);
      for (std::size_t offset = 0; offset < content.size();) {
        const auto size = std::min(piece, content.size() - offset);
        const auto written = write(fd, content.data() + offset, size);
        if (written <= 0) break;
        offset += static_cast<std::size_t>(written);
      }
      close(fd);
    });
    auto run = Run();
    writer.join();
    return run;
  }
};

TEST_F(StreamTest, StreamsOfAllLengthsArrive) {
  int round = 0;
  for (const std::size_t size : {0u, 1u, 999u, 1000u, 1001u, 2000u, 4500u, 300'000u}) {
    options_.report.run_dir = directory_ / ("run" + std::to_string(round++));
    const auto content = Content(size);
    const auto run = RunWithWriter(content, 777);
    EXPECT_EQ(run.status, kExitOk) << run.message;
    EXPECT_EQ(Stored("fifo"), content) << size;
    ExpectAgreement(run);
  }
}

TEST_F(StreamTest, AFileBesideAStreamDoesNotWaitForIt) {
  SourceRoot root;
  root.path = directory_ / "data";
  options_.source.push_back(root);
  WriteFiles(50);
  StartServer();
  std::thread writer([&] {
    const int fd = open((directory_ / "fifo").c_str(), O_WRONLY | O_CLOEXEC);
    // Nothing comes before the files are there: a run that waits would never end.
    while (server_->store().CountObjects("bucket") < 50) std::this_thread::yield();
    EXPECT_EQ(write(fd, "late", 4), 4);
    close(fd);
  });
  const auto run = RunAgainst(test::OptionsFor(*server_));
  writer.join();
  EXPECT_EQ(run.summary.uploaded, 51u);
  EXPECT_EQ(Stored("fifo"), "late");
}

TEST_F(StreamTest, AnotherLengthThanAnnouncedMakesNoObject) {
  int round = 0;
  for (const std::uint64_t announced : {0u, 4499u, 4501u, 10'000u}) {
    options_.report.run_dir = directory_ / ("run" + std::to_string(round++));
    options_.source[0].size_bytes = announced;
    const auto run = RunWithWriter(Content(4500), 500);
    EXPECT_EQ(run.status, kExitSomeFailed) << announced;
    EXPECT_EQ(Stored("fifo"), "(absent)");
    ExpectAgreement(run);
  }
  options_.source[0].size_bytes = 4500;
  options_.report.run_dir = directory_ / "run";
  EXPECT_EQ(RunWithWriter(Content(4500), 500).status, kExitOk);
}

// Ctrl-C ends the writer of a pipeline, too: the end that we see then is none.
TEST_F(StreamTest, AStopMakesNoObject) {
  StartServer();
  std::thread writer([&] {
    const int fd = open((directory_ / "fifo").c_str(), O_WRONLY | O_CLOEXEC);
    const auto content = Content(3500);
    EXPECT_EQ(write(fd, content.data(), content.size()), 3500);
    while (server_->stats().requests["UploadPart"] < 3) std::this_thread::yield();
    stop_.Drain(StopCause::kInterrupt, "SIGINT came");
    close(fd);
  });
  const auto run = RunAgainst(test::OptionsFor(*server_));
  writer.join();
  EXPECT_EQ(run.status, kExitInterrupted);
  EXPECT_EQ(run.summary.cancelled, 1u);
  EXPECT_EQ(Stored("fifo"), "(absent)");
  ExpectAgreement(run);
}

TEST_F(StreamTest, AStopEndsAStreamThatNobodyWrites) {
  StartServer();
  std::thread stopper([&] { stop_.Drain(StopCause::kTerminate, "SIGTERM came"); });
  const auto run = RunAgainst(test::OptionsFor(*server_));
  stopper.join();
  EXPECT_EQ(run.status, kExitStopped);
  EXPECT_EQ(run.summary.uploaded, 0u);
}

// Parts that together are many times the budget.
TEST_F(PartsTest, ARunStaysWithinItsBudget) {
  options_.upload.memory_bytes = 64 << 10;
  options_.upload.plan.part_bytes = 20'000;
  options_.upload.plan.multipart_threshold_bytes = 20'000;
  for (int i = 0; i < 5; ++i) directory_.Write("data/large" + std::to_string(i), Content(900'000));
  WriteFiles(100);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitOk);
  ExpectAgreement(run);
  EXPECT_LE(server_->stats().max_in_flight["UploadPart"], 3)
      << "three buffers of 20,480 bytes fit into 64 KiB";
}

}  // namespace
}  // namespace pipeline
