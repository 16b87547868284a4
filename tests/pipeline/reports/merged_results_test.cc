#include "pipeline/reports/merged_results.h"

#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/checksummed_line.h"
#include "tests/support/support.h"

namespace pipeline {
namespace merged_results_test {

std::string RunOf(int session, const std::string& bucket = "b") {
  return RunLine({.session = session, .scope = {RunKind::kRun, {"http://s:80"}, bucket, ""}});
}

std::string ResultOf(const std::string& path, Outcome outcome, const std::string& key = "k") {
  ObjectResult result;
  result.file = std::make_shared<InputFile>(InputFile{.path = path, .key = key + path, .size_bytes = 5});
  result.outcome = outcome;
  result.attempts = 1;
  if (outcome == Outcome::kFailed) result.error = s3::Error{.kind = s3::ErrorKind::kLocal};
  return ResultLine(result);
}

std::string RangeOf(const std::string& path, int first_part, Outcome outcome) {
  InputFile file{.path = path, .key = "k" + path, .size_bytes = 5};
  file.range = std::make_shared<PartsOfPlan>(PartsOfPlan{first_part, first_part + 1});
  ObjectResult result;
  result.file = std::make_shared<InputFile>(file);
  result.outcome = outcome;
  return ResultLine(result);
}

class MergedResultsTest : public testing::Test {
 protected:
  // Adds the journal of a run that the argument at position `argument` names.
  RunRecords& AddRun(int argument, const std::string& journal) {
    const auto name = "run" + std::to_string(runs_.size());
    directory_.Write(name + "/journal.jsonl", journal);
    runs_.push_back({.directory = OwnDir::Open(directory_ / name).value(), .argument = argument});
    return runs_.back();
  }

  // Returns "PATH OUTCOME" of each result that counts, in order.
  std::vector<std::string> Merged() {
    const auto results = MergedResults::Index(&runs_);
    EXPECT_TRUE(results) << results.error().message;
    return ResultsOf(*results);
  }
  static std::vector<std::string> ResultsOf(const MergedResults& results) {
    std::vector<std::string> texts;
    const auto read =
        results.ForEach([&](const RunRecords&, const ResultRecord& result, const ResultDetails&) {
          texts.push_back(std::string(result.path) + " " + std::string(OutcomeName(result.outcome)));
          return true;
        });
    EXPECT_TRUE(read);
    return texts;
  }

  const test::TempDir directory_;
  std::vector<RunRecords> runs_;
};

using Texts = std::vector<std::string>;

TEST_F(MergedResultsTest, ALaterSessionReplacesTheResultsOfItsInputsOnly) {
  AddRun(0, RunOf(1) + ResultOf("a", Outcome::kUploaded) + ResultOf("b", Outcome::kFailed) + RunOf(2) +
                ResultOf("b", Outcome::kFailed) + EndLine({1, true}) + RunOf(3) +
                ResultOf("b", Outcome::kUploaded) + ResultOf("c", Outcome::kSkipped) + EndLine({0, true}));
  EXPECT_EQ(Merged(), (Texts{"a uploaded", "b uploaded", "c skipped"}));
  EXPECT_EQ(runs_[0].sessions, 3);
  EXPECT_TRUE(runs_[0].IsComplete());
}

TEST_F(MergedResultsTest, ALaterRunReplacesTheSameInputInTheSameBucket) {
  AddRun(0, RunOf(1) + ResultOf("a", Outcome::kFailed) + ResultOf("b", Outcome::kFailed));
  AddRun(1, RunOf(1) + ResultOf("a", Outcome::kUploaded));
  AddRun(2, RunOf(1, "other") + ResultOf("b", Outcome::kUploaded));
  EXPECT_EQ(Merged(), (Texts{"b failed", "a uploaded", "b uploaded"}));
}

TEST_F(MergedResultsTest, AnotherKeyIsAnotherInput) {
  AddRun(0, RunOf(1) + ResultOf("a", Outcome::kUploaded, "old/") + RunOf(2) +
                ResultOf("a", Outcome::kUploaded, "new/"));
  EXPECT_EQ(Merged(), (Texts{"a uploaded", "a uploaded"}));
}

TEST_F(MergedResultsTest, TheResultOfFinishReplacesTheRangesOfItsObject) {
  AddRun(0, RunOf(1) + ResultOf("split", Outcome::kUploaded)).is_plan = true;
  AddRun(0, RunOf(1) + ResultOf("a", Outcome::kUploaded) + RangeOf("split", 1, Outcome::kSent) +
                RangeOf("open", 1, Outcome::kSent));
  AddRun(0, RunOf(1) + RangeOf("split", 3, Outcome::kSent));
  EXPECT_EQ(Merged(), (Texts{"split uploaded", "a uploaded", "open sent"}));
}

TEST_F(MergedResultsTest, AnObjectThatFinishCouldNotCompleteKeepsItsRanges) {
  AddRun(0, RunOf(1) + ResultOf("split", Outcome::kCancelled)).is_plan = true;
  AddRun(0, RunOf(1) + RangeOf("split", 1, Outcome::kSent));
  EXPECT_EQ(Merged(), (Texts{"split sent"}));
}

TEST_F(MergedResultsTest, ATornLastLineIsLeftOut) {
  const auto line = ResultOf("b", Outcome::kUploaded);
  AddRun(0, RunOf(1) + ResultOf("a", Outcome::kUploaded) + line.substr(0, line.size() / 2));
  EXPECT_EQ(Merged(), (Texts{"a uploaded"}));
  EXPECT_GT(runs_[0].torn_bytes, 0u);
  EXPECT_FALSE(runs_[0].end);
}

TEST_F(MergedResultsTest, ResultsThatARunningRunAddsAreInNoPass) {
  AddRun(0, RunOf(1) + ResultOf("a", Outcome::kUploaded));
  const auto results = MergedResults::Index(&runs_).value();
  const auto journal = test::ReadAll(directory_ / "run0/journal.jsonl");
  directory_.Write("run0/journal.jsonl", journal + ResultOf("b", Outcome::kUploaded));
  EXPECT_EQ(ResultsOf(results), (Texts{"a uploaded"}));
}

TEST_F(MergedResultsTest, ADamagedJournalIsRefused) {
  auto damaged = ResultOf("b", Outcome::kUploaded);
  damaged[20] ^= 1;
  AddRun(0, RunOf(1) + damaged + ResultOf("a", Outcome::kUploaded));
  const auto results = MergedResults::Index(&runs_);
  ASSERT_FALSE(results);
  EXPECT_NE(results.error().message.find("damaged"), std::string::npos) << results.error().message;
}

TEST_F(MergedResultsTest, FactsOfAnEarlierSessionAreForgotten) {
  auto& run = AddRun(0, RunOf(1) + EndLine({75, false}) + RunOf(2));
  run.last_session.session = 1;
  run.last_session.verdict = "of session 1";
  run.view.status = LiveStatus{.session = 1};
  Merged();
  EXPECT_EQ(run.last_session.verdict, "");
  EXPECT_FALSE(run.view.status);
  run.last_session = {.session = 2, .verdict = "of session 2"};
  run.view.status = LiveStatus{.session = 2};
  Merged();
  EXPECT_EQ(run.last_session.verdict, "of session 2");
  EXPECT_TRUE(run.view.status);
}

TEST_F(MergedResultsTest, AResultIsNotLostBecauseOfOneField) {
  const auto result_with = [](const std::pair<const char*, const char*>& field) {
    ChecksummedLine line("result");
    for (const auto& [name, value] : {std::pair("outcome", "uploaded"), {"path", "a"}, {"key", "k"}}) {
      line.Text(name, value);
    }
    line.Literal("size", 1);
    line.Literal(field.first, field.second);
    return std::move(line).WithChecksum();
  };
  AddRun(0, RunOf(1) + result_with({"new_field", R"({"a":[1]})"}));
  EXPECT_EQ(Merged(), (Texts{"a uploaded"}));
  AddRun(1, RunOf(1) + result_with({"sha256", R"(["x"])"}));
  const auto results = MergedResults::Index(&runs_).value();
  const auto read = results.ForEach([](const auto&...) { return true; });
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("damaged field"), std::string::npos) << read.error().message;
}

}  // namespace merged_results_test
}  // namespace pipeline
