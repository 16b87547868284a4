#include "pipeline/plan/shard_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "pipeline/journal/record.h"
#include "pipeline/journal/run_lock.h"
#include "tests/support/plan_fixture.h"

namespace pipeline {
namespace shard_records_test {

using testing::HasSubstr;

class ShardRecordsTest : public test::PlanFixture {
 protected:
  ShardRecordsTest() {
    WriteFiles(9);
    directory_.Write("data/large", test::Content(9'000));
    EXPECT_EQ(Plan(3).status, kExitOk);
  }

  s3::Result<ShardRecord> Read(int shard) {
    const RangeSink ranges{
        .sent = [this](const InputFile&, const PartRecords& parts) { parts_ = parts.size(); },
        .failed = [this](const InputFile&) { ++failed_; }};
    return ReadShard(PlanDir(), plan_, shard, ranges);
  }
  std::string JournalOf(int shard) const { return "plan/" + ShardRunDirName(shard) + "/journal.jsonl"; }

  std::size_t parts_ = 0;
  int failed_ = 0;
};

TEST_F(ShardRecordsTest, AShardThatHasNotRunHasAllInputsLeft) {
  const auto record = Read(0);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->state, ShardState::kNotRun);
  EXPECT_TRUE(record->HasWork());
  EXPECT_EQ(record->left + record->ranges_left, plan_.shards[0].inputs);
}

TEST_F(ShardRecordsTest, AShardThatHasEndedHasAResultForEachInput) {
  EXPECT_EQ(RunShard(0).status, kExitOk);
  const auto record = Read(0);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->state, ShardState::kEnded);
  EXPECT_FALSE(record->HasWork());
  EXPECT_EQ(record->uploaded, plan_.shards[0].inputs - 1);
  EXPECT_EQ(record->ranges_sent, 1u);
  EXPECT_EQ(parts_, 3u);
  EXPECT_EQ(record->sent_bytes, 3'000u);
  EXPECT_EQ(record->sessions, 1);
}

TEST_F(ShardRecordsTest, AnUnfinishedShardHasWork) {
  EXPECT_EQ(RunShard(0).status, kExitOk);
  const auto lines = test::Lines(test::ReadAll(directory_ / JournalOf(0)));
  directory_.Write(JournalOf(0), lines[0] + "\n");
  const auto record = Read(0);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->state, ShardState::kUnfinished);
  EXPECT_EQ(record->left, plan_.shards[0].inputs - 1);
}

TEST_F(ShardRecordsTest, ALockedShardIsRunning) {
  EXPECT_EQ(RunShard(0).status, kExitOk);
  const auto run_dir = OwnDir::Open(ShardRunDir(plan_path_, 0)).value();
  const auto lock = RunLock::Acquire(run_dir, [] {});
  EXPECT_EQ(Read(0)->state, ShardState::kRunning);
}

TEST_F(ShardRecordsTest, RefusesAJournalThatDoesNotFitTheManifest) {
  EXPECT_EQ(RunShard(0).status, kExitOk);
  const auto journal = test::ReadAll(directory_ / JournalOf(0));

  directory_.Write(JournalOf(1), journal);
  EXPECT_THAT(Read(1).error().message, HasSubstr("is of shard 0/3"));

  ObjectResult result;
  result.file = std::make_shared<InputFile>(InputFile{"/another", "input", 1});
  result.outcome = Outcome::kUploaded;
  directory_.Write(JournalOf(0), journal + ResultLine(result));
  EXPECT_THAT(Read(0).error().message, HasSubstr("the results in this journal do not match the manifest"));

  std::string without_parts;
  for (const auto& line : test::Lines(journal)) {
    if (line.find(R"("record":"part")") == std::string::npos) without_parts += line + "\n";
  }
  directory_.Write(JournalOf(0), without_parts);
  EXPECT_THAT(Read(0).error().message, HasSubstr("lacks some of its parts"));

  --plan_.shards[2].inputs;
  EXPECT_THAT(Read(2).error().message, HasSubstr("the number of inputs differs from the one in plan.json"));
}

}  // namespace shard_records_test
}  // namespace pipeline
