// Tests how a run finds out that the store already has a file, and how many requests that takes.
#include "pipeline/upload/skip.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "pipeline/run/dry_run.h"
#include "tests/support/run_fixture.h"

namespace pipeline {
namespace skip_test {

using test::Content;
using testing::HasSubstr;

class SkipTest : public test::RunFixture {
 protected:
  SkipTest() { UseSmallParts(); }

  // Uploads small files and two of several parts, all an hour old.
  void UploadOnce(int files) {
    for (int i = 0; i < files; ++i) Write("f" + std::to_string(i), "content " + std::to_string(i));
    Write("large1", Content(5'500));
    Write("large2", Content(7'000, 2));
    EXPECT_EQ(Run().status, kExitOk);
    before_ = server_->stats().requests;
  }
  void Write(const std::string& name, const std::string& content, int age_s = 3600) {
    const auto path = directory_.Write("data/" + name, content);
    const timespec times[] = {{time(nullptr) - age_s, 5}, {time(nullptr) - age_s, 5}};
    utimensat(AT_FDCWD, path.c_str(), times, 0);
  }
  // Runs the job again, in a new run directory.
  RunResult RunAgain(SkipMode mode) {
    options_.resume.skip = mode;
    options_.report.run_dir = directory_ / ("again" + std::to_string(++runs_));
    StopControl stop;
    return RunAgainst(test::OptionsFor(*server_), &stop);
  }
  std::uint64_t Requests(const std::string& operation) {
    return server_->stats().requests[operation] - before_[operation];
  }

  std::map<std::string, std::uint64_t> before_;
  int runs_ = 0;
};

TEST_F(SkipTest, ByListingWithTimes) {
  UploadOnce(30);
  const auto run = RunAgain(SkipMode::kSizeMtime);
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(run.summary.skipped, 32u);
  EXPECT_EQ(Requests("ListObjectsV2"), 1u);
  EXPECT_EQ(Requests("HeadObject") + Requests("PutObject") + Requests("UploadPart"), 0u);
  Write("f3", "CONTENT 3", -60);      // the same size, newer
  Write("f4", "another size", 3600);  // older
  Write("new", "x");
  const auto changed = RunAgain(SkipMode::kSizeMtime);
  EXPECT_EQ(changed.summary.uploaded, 3u);
  EXPECT_EQ(changed.summary.skipped, 30u);
  EXPECT_EQ(Stored("f3"), "CONTENT 3");
  EXPECT_EQ(Stored("f4"), "another size");
}

TEST_F(SkipTest, ByContentWithETagsFromTheList) {
  UploadOnce(30);
  Write("f3", "CONTENT 3");  // neither size nor time shows it
  Write("large2", Content(7'000, 3));
  const auto run = RunAgain(SkipMode::kChecksum);
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(run.summary.uploaded, 2u);
  EXPECT_EQ(run.summary.skipped, 30u);
  EXPECT_EQ(Requests("ListObjectsV2"), 1u);
  EXPECT_EQ(Requests("HeadObject"), 2u) << "only for files whose ETag differs";
  EXPECT_EQ(Stored("f3"), "CONTENT 3");
  EXPECT_EQ(Stored("large2"), Content(7'000, 3));
}

TEST_F(SkipTest, ByContentWithChecksumsWhereETagsAreNoMd5s) {
  integrity_.checksum = s3::ChecksumAlgorithm::kCrc64Nvme;
  server_options_.emulated_profile = s3::FindStoreProfile("r2");
  UploadOnce(5);
  const auto run = RunAgain(SkipMode::kChecksum);
  EXPECT_EQ(run.summary.skipped, 7u);
  EXPECT_EQ(Requests("HeadObject"), 2u) << "for the objects that were sent in parts";
  Write("large1", Content(5'500, 9));
  EXPECT_EQ(RunAgain(SkipMode::kChecksum).summary.uploaded, 1u);
}

// One file, and thousands of other objects below the prefix: one HeadObject is cheaper than the list.
TEST_F(SkipTest, AFewFilesGetOneRequestEach) {
  UploadOnce(2'100);
  for (const auto& entry : std::filesystem::directory_iterator(options_.source[0].path)) {
    if (entry.path().filename() != "f1") std::filesystem::remove(entry.path());
  }
  for (const auto mode : {SkipMode::kSizeMtime, SkipMode::kChecksum}) {
    const auto lists = Requests("ListObjectsV2"), heads = Requests("HeadObject");
    const auto run = RunAgain(mode);
    EXPECT_EQ(run.summary.skipped, 1u);
    EXPECT_EQ(Requests("ListObjectsV2") - lists, 1u) << "of three pages";
    EXPECT_EQ(Requests("HeadObject") - heads, 1u);
  }
}

// A list has no metadata. The file's time in our own metadata is more exact than the store's time of the
// upload.
TEST_F(SkipTest, OwnMetadataDecides) {
  options_.object.posix = true;
  UploadOnce(4);
  Write("f2", "CONTENT 2", 7200);  // the same size, and older than what was uploaded
  const auto run = RunAgain(SkipMode::kSizeMtime);
  EXPECT_EQ(run.summary.skipped, 5u);
  EXPECT_EQ(run.summary.uploaded, 1u);
  EXPECT_EQ(Requests("HeadObject"), 6u);
  EXPECT_EQ(Stored("f2"), "CONTENT 2");
}

TEST_F(SkipTest, AStoreThatDoesNotListStopsTheRun) {
  UploadOnce(3);
  server_options_.faults.push_back(test::FaultOn("ListObjectsV2", s3::endpoint::FaultAction::kStatus, 1000));
  server_options_.faults.back().status = 403;
  server_options_.faults.back().code = "AccessDenied";
  StartServer();
  const auto run = RunAgain(SkipMode::kSizeMtime);
  EXPECT_EQ(run.status, kExitRefused);
  EXPECT_THAT(run.message, HasSubstr("resume.skip: cannot list the existing objects"));
  EXPECT_EQ(server_->stats().requests["PutObject"], 0u);
}

TEST_F(SkipTest, ADryRunCountsWhatARunThenDoes) {
  UploadOnce(10);
  Write("f3", "CONTENT 33");
  Write("large1", Content(6'500));
  options_.resume.skip = SkipMode::kSizeMtime;
  options_.report.run_dir = directory_ / "dry";
  StopControl stop;
  auto s3_options = test::OptionsFor(*server_);
  const auto plan = RunDry(options_, s3_options, {{server_->credentials(), "the test"}}, &stop);
  EXPECT_EQ(plan.status, kExitOk) << plan.message;
  EXPECT_EQ(plan.found, 12u);
  EXPECT_EQ(plan.uploads, 2u);
  EXPECT_EQ(plan.upload_bytes, 6'510u);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "dry")) << "nothing is written";
  EXPECT_EQ(Requests("PutObject") + Requests("UploadPart"), 0u);
  before_ = server_->stats().requests;
  EXPECT_EQ(RunAgain(SkipMode::kSizeMtime).summary.uploaded, 2u);
  for (const auto& [operation, count] : plan.requests) EXPECT_EQ(Requests(operation), count) << operation;
  EXPECT_EQ(plan.requests.at("UploadPart"), 7u);
  const auto text = DryRunText(plan, {.put_per_1000 = 1000});
  EXPECT_THAT(text, HasSubstr("12 found: 2 would be uploaded"));
  EXPECT_THAT(text, HasSubstr("cost of the requests: 11.0000"));
}

}  // namespace skip_test
}  // namespace pipeline
