#include "pipeline/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include "pipeline/journal/history.h"
#include "pipeline/journal/record.h"
#include "tests/support/support.h"

namespace pipeline {
namespace journal_test {

TEST(JournalTest, AppendsFromManyThreadsAndStopsAtTheFirstFailure) {
  const test::TempDir directory;
  int failures = 0;
  auto journal =
      Journal::Open(OwnDir::Open(directory.path()).value(), 0, [&](const s3::Error&) { ++failures; }).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      s3::BlockingWaiter waiter;
      for (int k = 0; k < 20; ++k) EXPECT_TRUE(journal->AppendDurably(CompletingLine("t"), &waiter));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(test::Lines(test::ReadAll(directory / "journal.jsonl")).size(), 320u);
  EXPECT_EQ(journal->size_bytes(), std::filesystem::file_size(directory / "journal.jsonl"));

  rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{journal->size_bytes() + 10, limit.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_FALSE(journal->Append(CompletingLine("t")));
  setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_FALSE(journal->Append(CompletingLine("t"))) << "a line after half a line";
  EXPECT_FALSE(journal->Sync());
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(History::Load(directory / "journal.jsonl").value().torn_bytes(), 10u);
}

TEST(JournalTest, KeepsWhatItCutsOff) {
  const test::TempDir directory;
  const auto run_dir = OwnDir::Open(directory.path()).value();
  directory.Write("journal.jsonl", "whole\ntorn");
  auto journal = Journal::Open(run_dir, 6, nullptr).value();
  EXPECT_TRUE(journal->Append("next\n"));
  EXPECT_TRUE(journal->Sync());
  EXPECT_EQ(test::ReadAll(directory / "journal.jsonl"), "whole\nnext\n");
  EXPECT_EQ(test::ReadAll(directory / "journal.jsonl.torn"), "torn\n");
  EXPECT_EQ(journal->size_bytes(), 11u);
  EXPECT_FALSE(journal->failed());
}

TEST(JournalTest, RefusesAFileThatWasCutSinceItWasRead) {
  const test::TempDir directory;
  directory.Write("journal.jsonl", "x");
  const auto journal = Journal::Open(OwnDir::Open(directory.path()).value(), 6, nullptr);
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().message, testing::HasSubstr("has changed since it was read"));
}

}  // namespace journal_test
}  // namespace pipeline
