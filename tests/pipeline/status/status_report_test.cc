#include "pipeline/status/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "pipeline/plan/job_plan.h"
#include "tests/support/support.h"

namespace pipeline {
namespace status_report_test {

using testing::ElementsAre;
using testing::IsEmpty;

RunView Ended(ExitStatus status, Summary summary = {.source_exhausted = true}) {
  return {.phase = RunPhase::kEnded, .status = FinalStatus({}, summary, status)};
}
const RunView kFine = Ended(kExitOk);
const RunView kWithFailures = Ended(kExitSomeFailed, {.failed = 1, .source_exhausted = true});
const RunView kStoppedEarly = Ended(kExitStopped, {});
const RunView kActive{
    .phase = RunPhase::kActive, .status = LiveStatus{.state = RunState::kRunning}, .is_locked = true};
const RunView kLost{.phase = RunPhase::kLost, .status = LiveStatus{.state = RunState::kRunning}};
const RunView kHanging{
    .phase = RunPhase::kLost, .status = LiveStatus{.state = RunState::kRunning}, .is_locked = true};
const RunView kUnreadable{.phase = RunPhase::kUnreadable, .problem = "is a FIFO"};

StatusReport Of(std::vector<RunView> runs) { return {.has_shards = true, .runs = std::move(runs)}; }

TEST(StatusReportTest, TheExitStatusSaysWhetherWorkIsLeft) {
  EXPECT_EQ(Of({kFine, kFine}).Status(), kExitOk);
  EXPECT_EQ(Of({kFine, kWithFailures}).Status(), kExitSomeFailed);
  for (const auto& run : {kActive, kLost, kStoppedEarly, RunView{}}) {
    EXPECT_EQ(Of({kFine, kWithFailures, run}).Status(), kExitStopped);
  }
  EXPECT_EQ(Of({kStoppedEarly, kUnreadable}).Status(), kExitJournal);
}

TEST(StatusReportTest, TooManyFailuresLeaveWork) {
  EXPECT_EQ(Of({Ended(kExitSomeFailed, {.failed = 1})}).Status(), kExitStopped) << "limits.on_failure";
}

TEST(StatusReportTest, NamesTheShardsToRunAgain) {
  const auto report =
      Of({kFine, kWithFailures, kStoppedEarly, kActive, kLost, kHanging, RunView{}, kUnreadable});
  EXPECT_THAT(report.ShardsToRun(), ElementsAre(1, 2, 4, 6));
  EXPECT_THAT(report.Hanging(), ElementsAre(5));
  EXPECT_THAT(Of({kFine}).ShardsToRun(), IsEmpty());
}

TEST(StatusReportTest, SplitObjectsNeedFinish) {
  auto report = Of({kFine, kFine});
  report.split_objects = 1;
  EXPECT_TRUE(report.NeedsFinish());
  EXPECT_EQ(report.Status(), kExitStopped);
  report.finish_status = kExitStopped;  // an early `finish`
  EXPECT_EQ(report.Status(), kExitStopped);
  report.finish_status = kExitSomeFailed;
  EXPECT_EQ(report.Status(), kExitSomeFailed);
  report.finish_status = kExitOk;
  EXPECT_EQ(report.Status(), kExitOk);
  report.runs[0] = kActive;
  EXPECT_FALSE(report.NeedsFinish());
}

TEST(StatusReportTest, IsInProgressUntilNothingRunsOrWaitsToStart) {
  EXPECT_TRUE(Of({kFine, kActive}).IsInProgress());
  EXPECT_TRUE(Of({kFine, RunView{}}).IsInProgress());
  EXPECT_FALSE(Of({kFine, kLost, kStoppedEarly}).IsInProgress());
}

TEST(StatusReportTest, TheTimeLeftIsThatOfTheSlowestShard) {
  const auto with = [](double seconds_left, bool all_found) {
    auto run = kActive;
    run.status->found = 100;
    run.status->seconds_left = seconds_left;
    run.status->all_found = all_found;
    return run;
  };
  EXPECT_EQ(Of({kFine}).SecondsLeft(), std::nullopt);
  EXPECT_DOUBLE_EQ(Of({with(100, true), with(10, true)}).SecondsLeft().value(), 100);
  EXPECT_FALSE(Of({with(1, true), kFine}).TimeIsMinimum());
  EXPECT_TRUE(Of({with(1, false), kFine}).TimeIsMinimum());
  EXPECT_TRUE(Of({with(1, true), RunView{}}).TimeIsMinimum());
  EXPECT_TRUE(Of({with(1, true), kLost}).TimeIsMinimum());
}

TEST(ReadStatusTest, OtherDirectoriesAreRefused) {
  test::TempDir directory;
  const auto made = OwnDir::Make(directory / "x").value();
  EXPECT_EQ(ReadStatus(made, 0).error().status, kExitNoInput);
  ASSERT_TRUE(made.Write(kPlanName, "{}", 0600));
  EXPECT_EQ(ReadStatus(made, 0).error().status, kExitJournal);
}

TEST(ReadStatusTest, TheTotalsOfAPlanCountShardsThatHaveNotRun) {
  test::TempDir directory;
  const auto plan_dir = OwnDir::Make(directory / "plan").value();
  const JobPlan plan{.id = "p", .objects = 30, .bytes = 3000, .shards = {{10, 1000, 10}, {20, 2000, 20}}};
  ASSERT_TRUE(plan_dir.Write(kPlanName, PlanJson(plan), 0600));
  const auto shards = plan_dir.MakeDir("shards").value();
  const auto status = FinalStatus(
      {},
      {.found = 10, .uploaded = 10, .uploaded_bytes = 1000, .found_bytes = 1000, .source_exhausted = true},
      kExitOk);
  ASSERT_TRUE(shards.MakeDir("00000").value().Write(kStatusName, StatusJson(status), 0644));
  const auto report = ReadStatus(plan_dir, std::time(nullptr)).value();
  ASSERT_EQ(report.runs.size(), 2u);
  EXPECT_EQ(report.total.found, 30u);
  EXPECT_NEAR(report.total.Percent().value(), 33.3, 0.1);
  EXPECT_THAT(report.ShardsToRun(), ElementsAre(1));
  const auto json = nlohmann::json::parse(StatusReportJson(report, -1));
  EXPECT_EQ(json.at("exit_status"), 75);
  EXPECT_EQ(json.at("shards_to_run"), "1");
  EXPECT_EQ(json.at("runs").at(0).at("status").at("uploaded"), 10);
  EXPECT_EQ(json.at("runs").at(1).at("state"), "not run");
}

TEST(ReadStatusTest, WithoutAPlanTheNumberOfShardsComesFromTheirStatus) {
  test::TempDir directory;
  const auto run_dir = OwnDir::Make(directory / "run").value();
  const auto shards = run_dir.MakeDir("shards").value();
  const auto status = FinalStatus({.shard = "1/4"}, {.source_exhausted = true}, kExitOk);
  ASSERT_TRUE(shards.MakeDir("00001").value().Write(kStatusName, StatusJson(status), 0644));
  const auto report = ReadStatus(run_dir, std::time(nullptr)).value();
  EXPECT_EQ(report.runs.size(), 4u);
  EXPECT_THAT(report.ShardsToRun(), ElementsAre(0, 2, 3));
}

}  // namespace status_report_test
}  // namespace pipeline
