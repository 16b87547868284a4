#include "pipeline/plan/shared_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "pipeline/journal/record.h"
#include "tests/support/plan_fixture.h"

namespace pipeline {
namespace shared_upload_test {

using s3::endpoint::FaultAction;
using testing::ElementsAre;
using testing::HasSubstr;

// Through `finish`: one object of 30 parts, sent by two shards.
class SharedUploadTest : public test::PlanFixture {
 protected:
  SharedUploadTest() { directory_.Write("data/large", test::Content(30'000)); }

  void PlanAndRun() {
    ASSERT_EQ(Plan(2).status, kExitOk);
    RunAllShards();
  }
  // Rewrites the lines of a journal; `edit` may change or clear a line.
  static void EditLines(const std::string& path, const std::function<void(std::string*)>& edit) {
    const auto lines = test::Lines(test::ReadAll(path));
    std::ofstream file(path, std::ios::trunc);
    for (auto line : lines) {
      edit(&line);
      if (!line.empty()) file << line << "\n";
    }
  }
};

TEST_F(SharedUploadTest, IsWholeOnceAllPartsWereSent) {
  SharedUpload upload;
  upload.open.record.size_bytes = 2'500;
  upload.open.record.part_bytes = 1'000;
  EXPECT_EQ(upload.part_count(), 3);
  for (int part = 1; part <= 3; ++part) {
    EXPECT_FALSE(upload.IsWhole());
    upload.parts[part] = {};
  }
  EXPECT_TRUE(upload.IsWhole());
}

TEST_F(SharedUploadTest, AsksForTheObjectWhenTheResponseToItsCompletionIsLost) {
  Fail(test::FaultOn("CompleteMultipartUpload", FaultAction::kLostResponse));
  StartServer();
  PlanAndRun();
  const auto report = Finish();
  EXPECT_EQ(report.status, kExitOk) << report.message;
  EXPECT_EQ(report.completed_now, 1u);
  EXPECT_EQ(Stored("large"), test::Content(30'000));
}

TEST_F(SharedUploadTest, FindsTheObjectThatAnEarlierFinishCompletedAndDidNotRecord) {
  PlanAndRun();
  EXPECT_EQ(Finish().status, kExitOk);
  EditLines(plan_path_ + "/journal.jsonl", [](std::string* line) {
    if (line->find(R"("record":"result")") != std::string::npos) line->clear();
  });
  const auto report = Finish();
  EXPECT_EQ(report.status, kExitOk) << testing::PrintToString(report.problems);
  EXPECT_EQ(report.completed_now, 1u);
  EXPECT_EQ(server_->stats().requests["CompleteMultipartUpload"], 1);
}

TEST_F(SharedUploadTest, FailsWhenTheStoreHasOtherParts) {
  PlanAndRun();
  EditLines(ShardRunDir(plan_path_, 0) + "/journal.jsonl", [](std::string* line) {
    if (line->find(R"("record":"part")") == std::string::npos) return;
    const auto json = nlohmann::json::parse(*line);
    *line = PartLine({json.at("token"), json.at("part"), json.at("size"), "\"another\"", json.at("digest"),
                      json.value("checksum", "")});
    line->pop_back();  // the newline
  });
  const auto report = Finish();
  EXPECT_EQ(report.status, kExitSomeFailed) << report.message;
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("differs from the part that its shard has sent")));
  EXPECT_EQ(Stored("large"), "(absent)");
}

TEST_F(SharedUploadTest, FailsWhenTheUploadIsGoneAndTheObjectIsNotOurs) {
  PlanAndRun();
  StartServer();  // a store that has lost everything
  const auto report = Finish();
  EXPECT_EQ(report.status, kExitSomeFailed) << report.message;
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("its multipart upload is gone from the store")));
}

}  // namespace shared_upload_test
}  // namespace pipeline
