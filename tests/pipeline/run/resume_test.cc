// Sessions of one run: what a later session takes from the journal, and what it checks first.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "pipeline/journal/history.h"
#include "pipeline/journal/run_lock.h"
#include "tests/support/run_fixture.h"

namespace pipeline {
namespace resume_test {

using s3::endpoint::FaultAction;
using s3::endpoint::FaultRule;
using test::Content;
using testing::HasSubstr;

// All cases take minutes. So the suite runs only some of them, unless S3FLOW_FAULTS=all.
bool Thorough() {
  const char* faults = std::getenv("S3FLOW_FAULTS");
  return faults != nullptr && std::string_view(faults) == "all";
}

class ResumeTest : public test::RunFixture {
 protected:
  ResumeTest() {
    UseSmallParts();
    options_.upload.concurrency = 4;
  }

  // Stops the run once it has sent `parts` UploadPart requests.
  RunResult StopAfterParts(std::uint64_t parts) {
    auto slow = test::FaultOn("UploadPart", FaultAction::kDelay, 1000);
    slow.delay = std::chrono::milliseconds(10);
    Fail(slow);
    StartServer();
    std::thread stopper([&] {
      while (server_->stats().requests["UploadPart"] < parts) std::this_thread::yield();
      stop_.Drain(StopCause::kTerminate, "SIGTERM came");
    });
    auto run = RunAgainst(test::OptionsFor(*server_));
    stopper.join();
    EXPECT_EQ(run.status, kExitStopped);
    EXPECT_EQ(server_->CountUploads("bucket"), 1u);
    return run;
  }
  RunResult Resume() {
    StopControl stop;
    return RunAgainst(test::OptionsFor(*server_), &stop);
  }
  std::string JournalPath() const { return directory_ / "run/journal.jsonl"; }
  std::string JournalText() const { return test::ReadAll(JournalPath()); }
  void Rewrite(const std::string& text) { std::ofstream(JournalPath(), std::ios::trunc) << text; }
};

TEST_F(ResumeTest, DoesNotResendPartsThatTheStoreHas) {
  directory_.Write("data/large", Content(30'000));
  StopAfterParts(10);
  const auto before = server_->stats().requests["UploadPart"];
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(static_cast<int>(run.summary.reused_parts), before);
  EXPECT_EQ(server_->stats().requests["UploadPart"], 30);
  EXPECT_EQ(server_->stats().requests["CreateMultipartUpload"], 1);
  EXPECT_EQ(Stored("large"), Content(30'000));
  ExpectAgreement(run);
}

TEST_F(ResumeTest, StartsOverWithAChangedFile) {
  directory_.Write("data/large", Content(30'000));
  StopAfterParts(10);
  directory_.Write("data/large", Content(30'000, 2));
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(run.summary.reused_parts, 0u);
  EXPECT_EQ(server_->stats().requests["AbortMultipartUpload"], 1);
  EXPECT_EQ(Stored("large"), Content(30'000, 2));
  ExpectAgreement(run);
}

// The file keeps its size and times. Only its bytes show the change.
TEST_F(ResumeTest, ComparesRecordedPartsWithTheFile) {
  const auto path = directory_.Write("data/large", Content(30'000));
  struct stat before;
  stat(path.c_str(), &before);
  StopAfterParts(10);
  auto changed = Content(30'000);
  changed[100] = '!';  // in the first part
  directory_.Write("data/large", changed);
  const timespec times[] = {before.st_atim, before.st_mtim};
  utimensat(AT_FDCWD, path.c_str(), times, 0);
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_GT(run.summary.reused_parts, 0u);
  EXPECT_EQ(Stored("large"), changed);
  ExpectAgreement(run);
}

TEST_F(ResumeTest, StartsOverWhenTheUploadIsGone) {
  directory_.Write("data/large", Content(30'000));
  StopAfterParts(10);
  server_options_.faults.clear();
  StartServer();  // the store has lost the upload
  auto history = History::Load(JournalPath()).value();
  EXPECT_EQ(history.uploads().TakeAll().size(), 1u);
  options_.resume.allow_changed_job = true;
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(run.summary.reused_parts, 0u);
  EXPECT_EQ(Stored("large"), Content(30'000));
  ExpectAgreement(run);
}

TEST_F(ResumeTest, FindsAnUnrecordedCompletionByItsToken) {
  directory_.Write("data/large", Content(30'000));
  StartServer();
  EXPECT_EQ(RunAgainst(test::OptionsFor(*server_)).status, kExitOk);
  const auto text = JournalText();
  Rewrite(text.substr(0, text.find(R"({"record":"result")")));
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(run.summary.uploaded, 1u);
  EXPECT_EQ(server_->stats().requests["UploadPart"], 30) << "no part is sent again";
  EXPECT_EQ(server_->stats().requests["CompleteMultipartUpload"], 1);
}

// Ceph 16 answers NoSuchKey while it completes an upload.
TEST_F(ResumeTest, NoSuchKeyDoesNotMeanThatTheUploadIsGone) {
  directory_.Write("data/large", Content(30'000));
  auto fault = test::FaultOn("ListParts", FaultAction::kStatus);
  fault.status = 404;
  fault.code = "NoSuchKey";
  Fail(fault);
  StartServer();
  EXPECT_EQ(RunAgainst(test::OptionsFor(*server_)).status, kExitOk);
  const auto text = JournalText();
  Rewrite(text.substr(0, text.find(R"({"record":"result")")));
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(server_->stats().faults_injected, 1u);
  EXPECT_EQ(server_->stats().requests["UploadPart"], 30) << "no part is sent again";
}

TEST_F(ResumeTest, AbortsTheUploadOfADeletedFile) {
  const auto path = directory_.Write("data/large", Content(30'000));
  directory_.Write("data/small", "x");
  StopAfterParts(10);
  std::filesystem::remove(path);
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(server_->CountUploads("bucket"), 0u);
  EXPECT_EQ(run.summary.uploaded, 1u);
}

// The store has an upload whose ID nobody knows, because the response to its creation was lost.
TEST_F(ResumeTest, AbortsAnUploadWhoseIdWasLost) {
  directory_.Write("data/large", Content(3'000));
  FaultRule lost;
  lost.operation = "CreateMultipartUpload";
  lost.action = FaultAction::kLostResponse;
  Fail(lost);
  const auto run = Run();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(server_->stats().faults_injected, 1);
  EXPECT_EQ(server_->stats().requests["CreateMultipartUpload"], 2);
  ExpectAgreement(run);  // no uploads are left
}

TEST_F(ResumeTest, UploadsOnlyNewAndChangedFiles) {
  WriteFiles(20);
  EXPECT_EQ(Run().status, kExitOk);
  directory_.Write("data/f7", "another content");
  directory_.Write("data/new", "one more");
  options_.resume.finished_too = true;
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(run.summary.found, 21u);
  EXPECT_EQ(run.summary.uploaded, 21u);
  EXPECT_EQ(run.summary.found_before, 19u);
  EXPECT_EQ(server_->stats().requests["PutObject"], 22);
  EXPECT_EQ(Stored("f7"), "another content");
}

TEST_F(ResumeTest, RetriesAFailedFile) {
  WriteFiles(5);
  FaultRule refused;
  refused.key = "f3";
  refused.action = FaultAction::kStatus;
  refused.status = 400;
  refused.code = "InvalidArgument";
  Fail(refused);
  EXPECT_EQ(Run().status, kExitSomeFailed);
  options_.resume.finished_too = true;
  const auto run = Resume();
  EXPECT_EQ(run.status, kExitOk) << run.message;
  EXPECT_EQ(run.summary.uploaded, 5u);
  ExpectAgreement(run);
}

TEST_F(ResumeTest, RefusesAnotherJobAndNamesTheDifference) {
  WriteFiles(2);
  options_.identity.settings = "destination:\n  bucket: a\n  prefix: x/\n";
  EXPECT_EQ(Run().status, kExitOk);
  options_.identity.settings = "destination:\n  bucket: a\n  prefix: y/\n";
  options_.resume.finished_too = true;
  const auto refused = Resume();
  EXPECT_EQ(refused.status, kExitConfig);
  EXPECT_THAT(refused.message, HasSubstr("destination.prefix: was x/, is y/"));
  EXPECT_EQ(refused.message.find("bucket:"), std::string::npos);
  options_.resume.allow_changed_job = true;
  EXPECT_EQ(Resume().status, kExitOk);
}

// The journal is cut at any byte of its end: only the lost work is repeated.
TEST_F(ResumeTest, ResumesFromAJournalThatIsCutAnywhere) {
  directory_.Write("data/large", Content(5'000));
  WriteFiles(6);
  EXPECT_EQ(Run().status, kExitOk);
  const auto text = JournalText();
  const auto begin = text.size() > 4096 ? text.size() - 4096 : 0;
  options_.resume.finished_too = true;
  for (auto size = begin; size < text.size(); size += Thorough() ? 1 : 31) {
    Rewrite(text.substr(0, size));
    const auto run = Resume();
    ASSERT_EQ(run.status, kExitOk) << size << ": " << run.message;
    ASSERT_EQ(run.summary.uploaded, 7u) << size;
    ASSERT_EQ(Stored("large"), Content(5'000)) << size;
    ASSERT_EQ(server_->CountUploads("bucket"), 0u) << size;
  }
}

TEST_F(ResumeTest, CutsOffOrNamesALineWithAFlippedBit) {
  WriteFiles(6);
  directory_.Write("data/large", Content(5'000));
  EXPECT_EQ(Run().status, kExitOk);
  const auto text = JournalText();
  options_.resume.finished_too = true;
  auto random = test::SeededRandom();
  int refused = 0, resumed = 0;
  for (int i = 0; i < (Thorough() ? 500 : 100); ++i) {
    auto flipped = text;
    // Every second flipped bit is in the last 70 bytes, which belong to the last line.
    const auto back = random() % (i % 2 == 0 ? flipped.size() : 70);
    flipped[flipped.size() - 1 - back] ^= static_cast<char>(1 << random() % 8);
    Rewrite(flipped);
    const auto run = Resume();
    if (run.status == kExitJournal) {
      ++refused;
      // With a damaged first line, the file is not a journal.
      ASSERT_THAT(run.message,
                  testing::ContainsRegex("journal.jsonl(:[0-9]+: this line is damaged| is not a journal)"));
      continue;
    }
    ++resumed;
    ASSERT_EQ(run.status, kExitOk) << run.message;
    ASSERT_EQ(run.summary.uploaded, 7u);
    ASSERT_EQ(server_->CountUploads("bucket"), 0u);
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(resumed, 0);
  EXPECT_EQ(Stored("large"), Content(5'000));
}

TEST_F(ResumeTest, RefusesADirectoryInUse) {
  WriteFiles(1);
  mkdir((directory_ / "run").c_str(), 0700);
  const auto lock = RunLock::Acquire(OwnDir::Open(directory_ / "run").value(), [] {}).value();
  const auto run = Run();
  EXPECT_EQ(run.status, kExitStopped);
  EXPECT_THAT(run.message, HasSubstr("is in use by process " + std::to_string(getpid())));
  EXPECT_TRUE(server_->stats().requests.empty());
}

}  // namespace resume_test
}  // namespace pipeline
