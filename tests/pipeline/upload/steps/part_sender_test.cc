// Tests whole runs that upload files and streams in parts: all bytes arrive, and memory stays in its budget.
#include "pipeline/upload/steps/part_sender.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/support/run_fixture.h"

namespace pipeline {
namespace part_sender_test {

using s3::endpoint::FaultAction;
using test::Content;
using test::FaultOn;

class PartSenderTest : public test::RunFixture {
 protected:
  PartSenderTest() { UseSmallParts(); }
};

TEST_F(PartSenderTest, SmallAndLargeFilesInOneRun) {
  WriteFiles(100);
  const std::vector<std::size_t> sizes{0, 1, 1000, 1999, 2000, 2001, 2999, 3000, 3001, 10'000, 123'456};
  for (const auto size : sizes) directory_.Write("data/large/" + std::to_string(size), Content(size));
  server_options_.latency =
      std::chrono::milliseconds(10);  // otherwise each may be answered before the next is sent
  const auto run = Run();
  EXPECT_EQ(run.status, kExitOk);
  EXPECT_EQ(run.summary.uploaded, 100u + sizes.size());
  ExpectAgreement(run);
  auto stats = server_->stats();
  EXPECT_EQ(stats.requests["CreateMultipartUpload"], 6u);
  EXPECT_EQ(stats.requests["UploadPart"], 3u + 3 + 3 + 4 + 10 + 124);
  EXPECT_LE(stats.max_in_flight["UploadPart"], 16);
  EXPECT_GT(stats.max_in_flight["UploadPart"], 1) << "parts of one file are sent at the same time";
}

TEST_F(PartSenderTest, EveryFaultOnEveryOperationEndsWithTheRightObjects) {
  WriteFiles(10);
  for (int i = 0; i < 5; ++i) directory_.Write("data/large" + std::to_string(i), Content(5500, 3));
  int round = 0;
  for (const auto* operation :
       {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"}) {
    for (const auto action : {FaultAction::kStatus, FaultAction::kResetBefore, FaultAction::kResetInBody,
                              FaultAction::kLostResponse, FaultAction::kErrorIn200, FaultAction::kFlipBit}) {
      // A CreateMultipartUpload whose response is lost leaves an upload of unknown ID: tested with
      // orphaned_uploads.
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

// The maximum number of parts.
TEST_F(PartSenderTest, TenThousandPartsOfOneSparseFile) {
  const auto path = directory_.Write("data/sparse", "");
  std::filesystem::resize_file(path, 10'000'000);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitOk);
  EXPECT_EQ(Journal(run).at(0).at("parts"), 10'000);
  ExpectAgreement(run);
}

// Every payload mode with every checksum: sent, compared, and verified with HeadObject.
TEST_F(PartSenderTest, EveryIntegrityModeWithVerify) {
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

// The parts together are many times as large as the budget.
TEST_F(PartSenderTest, ARunStaysWithinItsBudget) {
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

class StreamUploadTest : public PartSenderTest {
 protected:
  StreamUploadTest() {
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

TEST_F(StreamUploadTest, StreamsOfAllLengthsArrive) {
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

TEST_F(StreamUploadTest, AFileBesideAStreamDoesNotWaitForIt) {
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

TEST_F(StreamUploadTest, AnotherLengthThanAnnouncedMakesNoObject) {
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

// Ctrl-C ends the writer of a pipeline, too: then the end of the stream is not the end of its data.
TEST_F(StreamUploadTest, AStopMakesNoObject) {
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

TEST_F(StreamUploadTest, AStopEndsAStreamWithoutAWriter) {
  StartServer();
  std::thread stopper([&] { stop_.Drain(StopCause::kTerminate, "SIGTERM came"); });
  const auto run = RunAgainst(test::OptionsFor(*server_));
  stopper.join();
  EXPECT_EQ(run.status, kExitStopped);
  EXPECT_EQ(run.summary.uploaded, 0u);
}

}  // namespace part_sender_test
}  // namespace pipeline
