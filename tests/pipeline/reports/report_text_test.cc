#include "pipeline/reports/report_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "tests/support/support.h"

namespace pipeline {
namespace report_text_test {

class ReportTextTest : public testing::Test {
 protected:
  ReportTextTest() {
    RunRecords run{.directory = OwnDir::Open(directory_.path()).value()};
    run.run = RunRecord{.session = 2};
    run.end = EndRecord{0, true};
    data_ = EmptyData({.runs = {run}});
    AddResult({.outcome = Outcome::kUploaded, .path = "a", .key = "a", .size_bytes = 2048}, {}, &data_);
    data_.summary.source_exhausted = true;
  }
  RunRecords& run() { return data_.scope.runs.front(); }

  const test::TempDir directory_;
  ReportData data_;
};

TEST_F(ReportTextTest, AFinishedRunReadsLikeTheEndOfRun) {
  EXPECT_EQ(ReportText(data_),
            "1 found: 1 uploaded, 0 skipped, 0 failed, 0 cancelled\n2.0 KiB uploaded, 0 retries\n");
  EXPECT_TRUE(ReportNotes(data_.scope).empty());
}

TEST_F(ReportTextTest, SaysThatARunHasNotEnded) {
  run().end.reset();
  EXPECT_TRUE(ReportText(data_).starts_with("KILLED before the end:")) << ReportText(data_);
  EXPECT_EQ(ReportNotes(data_.scope).size(), 1u);
  run().view.phase = RunPhase::kActive;
  EXPECT_TRUE(ReportText(data_).starts_with("RUNNING:")) << ReportText(data_);
  run().end = EndRecord{kExitStopped, false};
  run().view.phase = RunPhase::kEnded;
  data_.summary.source_exhausted = false;
  EXPECT_TRUE(ReportText(data_).starts_with("STOPPED before the end:")) << ReportText(data_);
}

TEST_F(ReportTextTest, SaysThatWorkIsLeftWhateverTheExitStatus) {
  data_.summary.source_exhausted = false;
  for (const int status : {kExitSomeFailed, kExitJournal, kExitStopped, kExitRefused, kExitInterrupted}) {
    run().end = EndRecord{status, false};
    EXPECT_TRUE(ReportText(data_).starts_with("STOPPED before the end: work is left\n")) << status;
    const auto notes = ReportNotes(data_.scope);
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_NE(notes[0].find("work is left"), std::string::npos) << notes[0];
  }
}

TEST_F(ReportTextTest, SaysThatItIsARehearsal) {
  EXPECT_EQ(nlohmann::json::parse(ReportJson(data_)).at("rehearsal"), false);
  run().run->scope.kind = RunKind::kRehearsal;
  EXPECT_TRUE(ReportText(data_).starts_with("REHEARSAL: nothing of it is in a store\n"));
  EXPECT_EQ(nlohmann::json::parse(ReportJson(data_)).at("rehearsal"), true);
  EXPECT_EQ(ReportNotes(data_.scope).size(), 1u);
}

TEST_F(ReportTextTest, SaysThatFinishMustCompleteObjects) {
  for (const auto* key : {"k", "l"}) {
    for (const int first_part : {1, 3, 5}) {
      AddResult({.outcome = Outcome::kSent, .path = "p", .key = key, .first_part = first_part}, {}, &data_);
    }
  }
  EXPECT_TRUE(ReportText(data_).starts_with("SENT: run s3flow finish to complete 2 objects\n"));
  const auto json = nlohmann::json::parse(ReportJson(data_));
  EXPECT_EQ(json.at("complete"), false);
  EXPECT_EQ(json.at("state"), "sent");
  EXPECT_EQ(json.at("sent_objects"), 2);
}

TEST_F(ReportTextTest, NotesADamagedStatusAndPathsOfAPlan) {
  run().view = {.problem = "/run/status.json is damaged", .is_damaged = true};
  data_.scope.runs.push_back({.directory = run().directory, .is_plan = true});
  const auto notes = ReportNotes(data_.scope);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0], "/run/status.json is damaged: the report does not use this file");
  EXPECT_NE(notes[1].find("a plan records absolute paths"), std::string::npos) << notes[1];
}

TEST_F(ReportTextTest, SaysThatShardsHaveNotRun) {
  data_.scope.shards_not_run = 2;
  EXPECT_TRUE(ReportText(data_).starts_with("UNFINISHED: 2 shards have not run yet\n")) << ReportText(data_);
  EXPECT_EQ(ReportNotes(data_.scope).size(), 1u);
}

TEST_F(ReportTextTest, TheVerdictIsEscaped) {
  run().last_session.verdict = "a\nb";
  EXPECT_TRUE(ReportText(data_).ends_with("\na\\x0ab\n")) << ReportText(data_);
}

TEST_F(ReportTextTest, JsonHasTheKeysOfSummaryJson) {
  const auto report = nlohmann::json::parse(ReportJson(data_));
  const auto summary = nlohmann::json::parse(SummaryJson(data_.summary, kExitOk));
  // These keys are about one session: `runs` has what a report can say about each run.
  const std::set<std::string> of_one_session = {
      "settled_before", "uploaded_bytes_before", "this_session", "earlier_sessions",
      "slots",          "exit_status",           "verdict",      "latency"};
  for (const auto& [key, value] : summary.items()) {
    EXPECT_NE(report.contains(key), of_one_session.contains(key)) << key;
  }
  EXPECT_EQ(report.at("uploaded"), 1);
  EXPECT_EQ(report.at("runs").at(0).at("state"), "finished");
}

}  // namespace report_text_test
}  // namespace pipeline
