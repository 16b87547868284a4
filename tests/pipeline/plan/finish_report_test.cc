#include "pipeline/plan/finish_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pipeline {
namespace finish_report_test {

using testing::HasSubstr;

FinishReport ReportOfShards() {
  FinishReport report;
  report.found = 10;
  report.left = 10;
  report.not_run = {5, 6};
  report.running = {1};
  report.unfinished = {4};
  report.with_failures = {0};
  return report;
}

TEST(FinishReportTest, ShardsToRunAreAllButThoseThatRunOrAreDone) {
  EXPECT_THAT(ReportOfShards().shards_to_run(), testing::ElementsAre(0, 4, 5, 6));
}

TEST(FinishReportTest, TextNamesTheShardsAndTheCommand) {
  EXPECT_EQ(FinishText(ReportOfShards(), {}, "/a plan"),
            "10 found: 0 uploaded, 0 skipped, 0 failed, 10 left\n"
            "shards that have not run: 5-6\n"
            "shards that are running: 1\n"
            "shards that have work left: 4\n"
            "shards with failures: 0\n"
            "to run again: sbatch --array=0,4-6 SCRIPT '/a plan'\n");
}

TEST(FinishReportTest, TextHasTheFirstProblemsAndTheNumberOfTheOthers) {
  FinishReport report;
  for (int i = 0; i < 13; ++i) report.problems.push_back("problem " + std::to_string(i));
  const auto text = FinishText(report, {}, "plan");
  EXPECT_THAT(text, HasSubstr("problem 9\nand 3 more problems; the plan's journal has them all\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("problem 10")));
}

TEST(FinishReportTest, TextHasNewInputsOnlyIfTheyWereAskedFor) {
  FinishReport report;
  EXPECT_THAT(FinishText(report, {}, "plan"), testing::Not(HasSubstr("appeared")));
  report.new_inputs = NewInputs{};
  EXPECT_THAT(FinishText(report, {}, "plan"), HasSubstr("0 inputs have appeared since the plan\n"));
  report.new_inputs = NewInputs{2, {"/a", "/b\n"}};
  EXPECT_THAT(FinishText(report, {}, "plan"),
              HasSubstr("2 inputs have appeared since the plan, and are in no shard\n"));
  EXPECT_THAT(FinishText(report, {}, "plan"), HasSubstr("appeared: /a\n"));
}

TEST(FinishReportTest, JsonHasTheCounts) {
  auto report = ReportOfShards();
  report.status = kExitStopped;
  const auto json = nlohmann::json::parse(FinishJson(report, {.id = "x"}));
  EXPECT_EQ(json.at("left"), 10);
  EXPECT_EQ(json.at("shards_to_run"), "0,4-6");
  EXPECT_EQ(json.at("exit_status"), 75);
  EXPECT_EQ(json.at("plan"), "x");
  EXPECT_FALSE(json.contains("appeared"));
}

}  // namespace finish_report_test
}  // namespace pipeline
