#include "pipeline/journal/run_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "pipeline/journal/record.h"
#include "pipeline/report/metrics.h"
#include "pipeline/timing/series.h"
#include "tests/support/support.h"

namespace pipeline {
namespace run_dir_test {

using testing::HasSubstr;

class RunDirTest : public testing::Test {
 protected:
  tl::expected<RunDirectory, Refusal> Open(const ResumeOptions& options = {}) {
    return RunDirectory::Open(path_, identity_, scope_, options, [](const s3::Error&) {});
  }
  tl::expected<RunDirectory, Refusal> OpenExisting() {
    return RunDirectory::OpenExisting(path_, Trust::kOurs, [](const s3::Error&) {});
  }
  void Complete() {
    auto run = Open({.finished_too = true});
    ASSERT_TRUE(run) << run.error().message;
    ASSERT_TRUE(run->journal()->Append(EndLine({0, true})));
  }

  const test::TempDir directory_;
  const std::string path_ = directory_ / "a/run";
  RunIdentity identity_;
  RunScope scope_{RunKind::kRun, {"http://127.0.0.1:80"}, "b", "0f"};
};

TEST_F(RunDirTest, EachSessionHasTheNextNumber) {
  for (int session = 1; session <= 3; ++session) {
    const auto run = Open();
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->session(), session);
  }
  const auto existing = OpenExisting();
  ASSERT_TRUE(existing) << existing.error().message;
  EXPECT_EQ(existing->session(), 3) << "no session begins";
  EXPECT_EQ(existing->history()->run()->session, 3);
}

TEST_F(RunDirTest, ACompressedJournalIsExpandedOnlyByASessionThatBegins) {
  {
    auto run = Open();
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_FALSE(run->was_compressed());
    ASSERT_TRUE(run->journal()->Append(EndLine({0, true})));
    ASSERT_TRUE(run->CompressJournal({}));
  }
  const auto refused = Open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("belongs to a run that is complete"));
  EXPECT_FALSE(std::filesystem::exists(path_ + "/journal.jsonl"));
  {
    const auto later = Open({.finished_too = true});
    ASSERT_TRUE(later) << later.error().message;
    EXPECT_TRUE(later->was_compressed());
    EXPECT_EQ(later->session(), 2);
    EXPECT_FALSE(std::filesystem::exists(path_ + "/journal.jsonl.zst"));
  }
  EXPECT_EQ(test::Lines(test::ReadAll(path_ + "/journal.jsonl")).size(), 3u);
}

TEST_F(RunDirTest, OneSessionAtATime) {
  const auto first = Open();
  const auto second = Open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().status, kExitStopped);
  EXPECT_THAT(second.error().message, HasSubstr("is in use by"));
}

// After a loss of power, files that are not synced may exist although the journal is lost.
TEST_F(RunDirTest, WithoutAJournalItsOwnStatusIsReplacedAndAForeignOneIsKept) {
  const std::string zeros(100, '\0');
  for (const auto& own : {StatusJson({}), zeros, std::string()}) {
    std::filesystem::remove_all(path_);
    ASSERT_TRUE(OwnDir::Make(path_).value().Write(kStatusName, own, 0644));
    ASSERT_TRUE(
        OwnDir::Make(path_).value().Write(kMetricsName, own == StatusJson({}) ? MetricsText({}) : own, 0644));
    ASSERT_TRUE(
        OwnDir::Make(path_).value().Write(kSeriesName, own == StatusJson({}) ? SeriesLine({}) : own, 0644));
    const auto run = Open();
    EXPECT_TRUE(run) << run.error().message;
  }
  for (const auto* name : {kStatusName, kMetricsName, kSeriesName}) {
    std::filesystem::remove_all(path_);
    ASSERT_TRUE(OwnDir::Make(path_).value().Write(name, "{\"schema\": \"theirs\"}", 0644));
    EXPECT_THAT(Open().error().message, HasSubstr("exists, but there is no journal"));
  }
}

TEST_F(RunDirTest, ACompleteRunNeedsAnOption) {
  Complete();
  const auto refused = Open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, kExitConfig);
  EXPECT_THAT(refused.error().message, HasSubstr("belongs to a run that is complete"));
  EXPECT_TRUE(Open({.finished_too = true}));
}

TEST_F(RunDirTest, AnotherJobNeedsAnOption) {
  identity_.settings = "destination:\n  prefix: a/\n";
  EXPECT_TRUE(Open());
  identity_.settings = "destination:\n  prefix: b/\n";
  const auto refused = Open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, kExitConfig);
  EXPECT_THAT(refused.error().message, HasSubstr("destination.prefix: was a/, is b/"));
  EXPECT_TRUE(Open({.allow_changed_job = true}));
}

TEST_F(RunDirTest, NoOptionAllowsAnotherKindStoreOrShard) {
  EXPECT_TRUE(Open());
  const ResumeOptions all{.finished_too = true, .allow_changed_job = true};
  scope_.kind = RunKind::kPlan;
  EXPECT_THAT(Open(all).error().message, HasSubstr("belongs to a run, and this is a plan"));
  scope_.kind = RunKind::kRun;
  scope_.bucket = "other";
  EXPECT_THAT(Open(all).error().message, HasSubstr("bucket b at http://127.0.0.1:80"));
  scope_.bucket = "b";
  identity_.shard = "0/2";
  EXPECT_THAT(Open(all).error().message, HasSubstr("no shard, and this is shard 0/2"));
}

TEST_F(RunDirTest, RefusesAndKeepsASummaryWithoutAJournal) {
  directory_.Write("a/run/summary.json", "{}");
  const auto refused = Open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, kExitConfig);
  EXPECT_EQ(test::ReadAll(directory_ / "a/run/summary.json"), "{}");
}

TEST_F(RunDirTest, ADirectoryWithoutARunIsRefusedByOtherCommands) {
  EXPECT_EQ(OpenExisting().error().status, kExitNoInput);
  directory_.Write("a/run/journal.jsonl", "");
  EXPECT_EQ(OpenExisting().error().status, kExitJournal);
}

TEST(DifferenceTest, NamesEachLineThatDiffers) {
  EXPECT_EQ(DifferenceOf("a:\n  b: 1\n", "a:\n  b: 1\n"), "");
  EXPECT_EQ(DifferenceOf("a:\n  b: 1\n  c: 2\n", "a:\n  b: 3\n  d: 4\n"),
            "a.b: was 1, is 3; a.d: was not set, is 4; a.c: was 2, is not set");
  EXPECT_EQ(DifferenceOf("source:\n  - path: /a\n  - path: /b\n", "source:\n  - path: /a\n  - path: /c\n"),
            "source[2].path: was /b, is /c");
}

}  // namespace run_dir_test
}  // namespace pipeline
