#include "pipeline/run/series_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/support.h"

namespace pipeline {
namespace series_writer_test {

using Clock = s3::SlotTime::Clock;

class SeriesWriterTest : public testing::Test {
 protected:
  std::string Written() { return run_dir_.Text(kSeriesName, 1 << 20).value(); }

  test::TempDir directory_;
  const OwnDir run_dir_ = OwnDir::Make(directory_ / "run").value();
  s3::SlotTime slot_time_;
  Progress progress_;
};

TEST_F(SeriesWriterTest, ReplacesTheFileAndWritesTheLastLineAtTheEnd) {
  ASSERT_TRUE(run_dir_.Write(kSeriesName, "{\"t\":of an earlier session}\n", 0644));
  SeriesWriter writer(run_dir_, &slot_time_, &progress_, 2);
  slot_time_.Enter(s3::SlotState::kFirstByte, 3, Clock::now() - std::chrono::seconds(10));
  progress_.done = 7;
  const auto totals = writer.End();
  EXPECT_GE(totals[s3::SlotState::kFirstByte], 30);
  EXPECT_EQ(writer.limit(), "store");
  EXPECT_EQ(writer.problem(), "");
  auto text = Written();
  const auto last = nlohmann::json::parse(text.substr(text.rfind('\n', text.size() - 2) + 1));
  EXPECT_EQ(last.at("done"), 7);
  EXPECT_GE(last.at("slots").at("first_byte"), 30);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("earlier")));
  EXPECT_THAT(run_dir_.Names().value(), testing::ElementsAre("series.jsonl"));
}

TEST_F(SeriesWriterTest, AFailedWriteIsAProblemAndNoError) {
  const auto path = directory_ / "run/series.jsonl";
  ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
  SeriesWriter writer(run_dir_, &slot_time_, &progress_, 2);
  EXPECT_EQ(writer.problem(), path + ": Is a directory");
  slot_time_.Enter(s3::SlotState::kCpu, 1, Clock::now() - std::chrono::seconds(10));
  EXPECT_GE(writer.End()[s3::SlotState::kCpu], 10) << "the account does not depend on the file";
}

TEST_F(SeriesWriterTest, ALinkIsReplacedAndNotFollowed) {
  const auto victim = directory_.Write("victim", "untouched");
  ASSERT_EQ(symlink(victim.c_str(), (directory_ / "run/series.jsonl").c_str()), 0);
  SeriesWriter writer(run_dir_, &slot_time_, &progress_, 2);
  writer.End();
  EXPECT_EQ(test::ReadAll(victim), "untouched");
  EXPECT_EQ(writer.problem(), "");
}

}  // namespace series_writer_test
}  // namespace pipeline
