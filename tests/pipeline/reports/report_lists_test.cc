#include "pipeline/reports/report_lists.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "s3/hash/hash.h"
#include "tests/support/support.h"

namespace pipeline {
namespace report_lists_test {

const std::string kDigest(64, 'a');

TEST(Sha256SumLine, EscapesAsCoreutilsDoes) {
  EXPECT_EQ(Sha256SumLine(kDigest, "a b\t\xff"), kDigest + "  a b\t\xff\n");
  EXPECT_EQ(Sha256SumLine(kDigest, "a\\b\nc\rd"), "\\" + kDigest + "  a\\\\b\\nc\\rd\n");
}

TEST(Sha256SumLine, ANameThatMeansStandardInputIsAPath) {
  EXPECT_EQ(Sha256SumLine(kDigest, "-"), kDigest + "  ./-\n");
  EXPECT_EQ(Sha256SumLine(kDigest, "--"), kDigest + "  --\n");
}

TEST(BagItLine, EncodesLineEndsAndPercentSigns) {
  EXPECT_EQ(BagItLine(kDigest, "a b"), kDigest + "  data/a b\n");
  EXPECT_EQ(BagItLine(kDigest, "100%\r\n"), kDigest + "  data/100%25%0D%0A\n");
}

TEST(CsvRecord, QuotesOnlyWhatNeedsIt) {
  const ResultRecord result{
      .outcome = Outcome::kFailed, .path = "a,\"b\"\r\nc", .key = "=1+1", .first_part = 3, .size_bytes = 7};
  ResultDetails details;
  details.attempts = 2;
  details.seconds = 0.5;
  details.kind = "access_denied";
  details.http_status = 403;
  details.code = "AccessDenied";
  details.message = "no, never";
  details.last_part = 4;
  EXPECT_EQ(CsvRecord(result, details),
            "\"a,\"\"b\"\"\r\nc\",=1+1,failed,7,,,2,0.500000,access_denied,403,AccessDenied,\"no, "
            "never\",,,,3,4\r\n");
}

TEST(CsvRecord, HasTheFieldsOfItsHeader) {
  const ResultRecord result{.outcome = Outcome::kSkipped, .path = "p", .key = "k"};
  ResultDetails details;
  details.reason = "why";
  const auto record = CsvRecord(result, details);
  const auto header = CsvHeader();
  EXPECT_EQ(std::count(record.begin(), record.end(), ','), std::count(header.begin(), header.end(), ','));
  EXPECT_NE(record.find(",why,"), std::string::npos) << record;
}

TEST(Sha256Of, TakesTheDigestOfTheWholeObjectOnly) {
  ResultDetails details;
  EXPECT_EQ(Sha256Of(details), "");
  details.sha256 = kDigest;
  EXPECT_EQ(Sha256Of(details), kDigest);
  for (const auto& hostile : {kDigest.substr(1), kDigest.substr(1) + "\n", std::string(64, 'A')}) {
    details.sha256 = hostile;
    EXPECT_EQ(Sha256Of(details), "") << hostile;
  }
  details.checksum_algorithm = "sha256";
  details.checksum = s3::Base64Encode(std::string(32, '\xaa'));
  EXPECT_EQ(Sha256Of(details), kDigest);
  details.parts = 2;
  EXPECT_EQ(Sha256Of(details), "") << "a checksum of checksums";
  details.parts = 0;
  details.checksum_algorithm = "crc32c";
  EXPECT_EQ(Sha256Of(details), "");
}

TEST(RelativeTo, RemovesTheOnlyRoot) {
  EXPECT_EQ(RelativeTo({"/data"}, "/data/a/b"), "a/b");
  EXPECT_EQ(RelativeTo({"data//"}, "data/a"), "a");
  EXPECT_EQ(RelativeTo({"/"}, "/a"), "a");
  EXPECT_EQ(RelativeTo({"/data/file"}, "/data/file"), "file");
  EXPECT_EQ(RelativeTo({"/data"}, "/database/a"), "/database/a");
  EXPECT_EQ(RelativeTo({"/a", "/b"}, "/a/x"), "/a/x");
  EXPECT_EQ(RelativeTo({}, "/a/x"), "/a/x");
}

class WriteListTest : public testing::Test {
 protected:
  // Adds a run whose source is `root` and that has uploaded `path` to `key` with the digest `digit` x 64.
  void AddRun(const std::string& root, const std::string& path, const std::string& key, char digit) {
    const auto name = "run" + std::to_string(runs_.size());
    ObjectResult result;
    result.file = std::make_shared<InputFile>(InputFile{.path = path, .key = key, .size_bytes = 5});
    result.outcome = Outcome::kUploaded;
    result.sha256 = std::string(64, digit);
    directory_.Write(name + "/journal.jsonl",
                     RunLine({.session = 1, .scope = {.bucket = "b"}}) + ResultLine(result));
    runs_.push_back(
        {.directory = OwnDir::Open(directory_ / name).value(), .argument = static_cast<int>(runs_.size())});
    roots_.push_back(root);
  }

  std::string List(ListFormat format) {
    const auto results = MergedResults::Index(&runs_).value();
    const auto facts_of = [this](const RunRecords& run) {
      return SourceFacts{.roots = {roots_[static_cast<std::size_t>(run.argument)]}, .prefix = "p/"};
    };
    auto output = ReportOutput::Open(directory_ / "list", true).value();
    const auto list = WriteList(results, format, facts_of, &output);
    EXPECT_TRUE(list);
    notes_ = list->notes;
    EXPECT_TRUE(list->is_complete);
    EXPECT_TRUE(output.Finish());
    return test::ReadAll(directory_ / "list");
  }

  const test::TempDir directory_;
  std::vector<RunRecords> runs_;
  std::vector<std::string> roots_, notes_;
};

TEST_F(WriteListTest, FilesOfSeveralRunsAreRelativeOnlyToTheSameRoot) {
  AddRun("/a", "/a/x", "p/x", '1');
  AddRun("/a/", "/a/y", "p/y", '2');
  EXPECT_EQ(List(ListFormat::kSha256Sum), std::string(64, '1') + "  x\n" + std::string(64, '2') + "  y\n");
  AddRun("/b", "/b/x", "q/x", '3');
  EXPECT_EQ(List(ListFormat::kSha256Sum), std::string(64, '1') + "  /a/x\n" + std::string(64, '2') +
                                              "  /a/y\n" + std::string(64, '3') + "  /b/x\n");
}

TEST_F(WriteListTest, BagItHasTheLastUploadOfEachKey) {
  AddRun("/a", "/a/x", "p/x", '1');
  AddRun("/a", "/a/y", "p/y", '2');
  AddRun("/b", "/b/x", "p/x", '3');
  EXPECT_EQ(List(ListFormat::kBagIt),
            std::string(64, '2') + "  data/y\n" + std::string(64, '3') + "  data/x\n");
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0], "1 upload is not in the list: a later one has the same key");
}

}  // namespace report_lists_test
}  // namespace pipeline
