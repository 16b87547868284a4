#include "pipeline/journal/journal_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/journal/checksummed_line.h"
#include "tests/support/support.h"

namespace pipeline {
namespace journal_reader_test {

using testing::HasSubstr;

class JournalReaderTest : public testing::Test {
 protected:
  JournalReader Open(const std::string& text) {
    const auto path = directory_.Write("journal.jsonl", text);
    return JournalReader({s3::UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC)), path});
  }
  // Returns the message of the failure for a journal with this text; empty if there is no failure.
  std::string FailureOf(const std::string& text) {
    auto reader = Open(text);
    while (reader.Next()) continue;
    return reader.failure() ? reader.failure()->message : "";
  }

  const test::TempDir directory_;
  const std::string run_ = RunLine({.session = 3,
                                    .scope = {RunKind::kPlan, {"http://127.0.0.1:80"}, "b", "0f"},
                                    .settings = "a: b\n",
                                    .job_file = "/job.yaml",
                                    .overrides = {"a.b=c"},
                                    .shard = "1/4",
                                    .scheduler = {{"SLURM_JOB_ID", "7"}}});
};

ObjectResult ResultOf(const InputFile& file, Outcome outcome) {
  ObjectResult result;
  result.file = std::make_shared<InputFile>(file);
  result.outcome = outcome;
  result.size_bytes = file.size_bytes;
  result.mtime_ns = file.mtime_ns;
  result.attempts = 2;
  if (outcome == Outcome::kFailed) result.error = s3::Error{.kind = s3::ErrorKind::kChanged};
  return result;
}

TEST_F(JournalReaderTest, YieldsEachRecordAsItsType) {
  InputFile range{"/p", "k", 5};
  range.range = std::make_shared<PartsOfPlan>(PartsOfPlan{3, 4});
  auto reader = Open(run_ + CreatingLine("t", {"/p", "k\xff", 5}, 12) +
                     UploadLine({"t", "/p", "k", "id", 5, 6, -7, false}) +
                     PartLine({"t", 1, 5, "e", "d", "c"}) + CompletingLine("t") + GoneLine("t") +
                     ResultLine(ResultOf(range, Outcome::kFailed)) + EndLine({75, true}));

  const auto run = std::get<RunRecord>(reader.Next().value());
  EXPECT_EQ(run.session, 3);
  EXPECT_EQ(run.scope.kind, RunKind::kPlan);
  EXPECT_THAT(run.scope.stores, testing::ElementsAre("http://127.0.0.1:80"));
  EXPECT_EQ(run.scope.bucket + run.scope.objects, "b0f");
  EXPECT_EQ(run.settings + run.job_file + run.shard, "a: b\n/job.yaml1/4");
  EXPECT_THAT(run.overrides, testing::ElementsAre("a.b=c"));
  EXPECT_EQ(run.scheduler.at("SLURM_JOB_ID"), "7");

  const auto creating = std::get<CreatingRecord>(reader.Next().value());
  EXPECT_EQ(creating.token + creating.key, "tk\xff");
  EXPECT_EQ(creating.time_s, 12);
  const auto upload = std::get<UploadRecord>(reader.Next().value());
  EXPECT_EQ(upload.token + upload.path + upload.key + upload.upload_id, "t/pkid");
  EXPECT_EQ(upload.size_bytes, 5u);
  EXPECT_EQ(upload.part_bytes, 6u);
  EXPECT_EQ(upload.mtime_ns, -7);
  EXPECT_FALSE(upload.created_once);
  const auto part = std::get<PartRecord>(reader.Next().value());
  EXPECT_EQ(part.token + part.etag + part.digest + part.checksum, "tedc");
  EXPECT_EQ(part.number, 1);
  EXPECT_EQ(part.bytes, 5u);
  EXPECT_EQ(std::get<CompletingRecord>(reader.Next().value()).token, "t");
  EXPECT_EQ(std::get<GoneRecord>(reader.Next().value()).token, "t");
  const auto result = reader.Next().value();
  const auto& failed = std::get<ResultRecord>(result);
  EXPECT_EQ(failed.outcome, Outcome::kFailed);
  EXPECT_EQ(failed.kind, s3::ErrorKind::kChanged);
  EXPECT_EQ(failed.first_part, 3);
  EXPECT_EQ(failed.attempts, 2);
  const auto end = std::get<EndRecord>(reader.Next().value());
  EXPECT_EQ(end.status, 75);
  EXPECT_TRUE(end.complete);
  EXPECT_FALSE(reader.Next());
  EXPECT_FALSE(reader.failure());
}

// Results of plain names are scanned, results of other names are parsed.
TEST_F(JournalReaderTest, ReadsTheSameResultForEveryName) {
  auto random = test::SeededRandom();
  std::vector<InputFile> files;
  std::string text;
  for (int i = 0; i < 2'000; ++i) {
    InputFile file{"/data/" + std::to_string(i), "k" + std::to_string(i), random() >> (random() % 64)};
    file.mtime_ns = static_cast<std::int64_t>(random()) >> (random() % 60);
    constexpr std::string_view kOdd = "plain\"\\\n\x01\xff\xc3\xa4";
    for (auto n = random() % 4; i % 2 == 0 && n > 0; --n) file.path += kOdd[random() % kOdd.size()];
    for (auto n = random() % 4; i % 3 == 0 && n > 0; --n) file.key += kOdd[random() % kOdd.size()];
    text += ResultLine(ResultOf(file, i % 5 == 0 ? Outcome::kSkipped : Outcome::kUploaded));
    files.push_back(std::move(file));
  }
  auto reader = Open(text);
  for (const auto& file : files) {
    const auto record = reader.Next();
    ASSERT_TRUE(record) << reader.failure()->message;
    const auto& result = std::get<ResultRecord>(*record);
    EXPECT_EQ(result.path, file.path);
    EXPECT_EQ(result.key, file.key);
    EXPECT_EQ(result.size_bytes, file.size_bytes);
    EXPECT_EQ(result.mtime_ns, file.mtime_ns);
    EXPECT_EQ(result.first_part, 0);
  }
  EXPECT_EQ(reader.intact_bytes(), text.size());
}

TEST_F(JournalReaderTest, ReadsOnlyOutcomesOnRequest) {
  const InputFile file{"/p", "k", 5};
  auto reader = Open(run_ + ResultLine(ResultOf(file, Outcome::kUploaded)) +
                     ResultLine(ResultOf(file, Outcome::kFailed)));
  constexpr auto kOutcome = JournalReader::Results::kOutcome;
  EXPECT_TRUE(std::holds_alternative<RunRecord>(reader.Next(kOutcome).value()));
  EXPECT_EQ(std::get<ResultOutcome>(reader.Next(kOutcome).value()).name, "uploaded");
  EXPECT_EQ(std::get<ResultOutcome>(reader.Next(kOutcome).value()).name, "failed");
  EXPECT_FALSE(reader.Next(kOutcome));
}

TEST_F(JournalReaderTest, ATornLastLineEndsTheJournal) {
  for (const std::string torn : {"x", "{\"record\":\"par", "garbage\n", "\n"}) {
    auto reader = Open(run_ + GoneLine("t") + torn);
    EXPECT_TRUE(reader.Next() && reader.Next());
    EXPECT_FALSE(reader.Next());
    EXPECT_FALSE(reader.failure()) << torn;
    EXPECT_EQ(reader.intact_bytes(), run_.size() + GoneLine("t").size());
    EXPECT_EQ(reader.torn_bytes(), torn.size());
  }
}

TEST_F(JournalReaderTest, NamesTheLineThatCannotBeRead) {
  EXPECT_THAT(FailureOf(run_ + "x\n" + GoneLine("t")), HasSubstr("journal.jsonl:2: this line is damaged"));
  EXPECT_THAT(FailureOf(run_ + "x\nx"), HasSubstr("journal.jsonl:2: this line is damaged"));
  EXPECT_THAT(FailureOf("x\n"), HasSubstr("is not a journal of s3flow"));
  EXPECT_EQ(FailureOf(run_.substr(0, 30)), "") << "a torn first line of a run";
  EXPECT_THAT(FailureOf(run_ + ChecksummedLine("merkle").WithChecksum()),
              HasSubstr("journal.jsonl:2: this line is of another version"));
}

}  // namespace journal_reader_test
}  // namespace pipeline
