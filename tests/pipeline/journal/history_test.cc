#include "pipeline/journal/history.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/hash/checksum.h"
#include "tests/support/mutator.h"

namespace pipeline {
namespace history_test {

ObjectResult ResultOf(const std::string& path, Outcome outcome) {
  ObjectResult result;
  result.file = std::make_shared<InputFile>(InputFile{path, "key-of" + path, 5});
  result.outcome = outcome;
  result.size_bytes = 5;
  result.attempts = 1;
  if (outcome == Outcome::kFailed) result.error = s3::Error{.kind = s3::ErrorKind::kPermanent};
  return result;
}

TEST(HistoryTest, AnAbsentJournalIsEmpty) {
  const test::TempDir directory;
  const auto history = History::Load(OwnDir::Open(directory.path()).value());
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_FALSE(history->run());
  EXPECT_FALSE(history->complete());
  EXPECT_EQ(history->inputs().StateOf({"/a", "k", 5}), InputState::kNew);
  EXPECT_FALSE(history->uploads().any());
}

TEST(HistoryTest, IsCompleteOnceTheLastSessionSaysSo) {
  const auto run = RunLine({.session = 1}), again = RunLine({.session = 2});
  const struct {
    std::string journal;
    bool complete;
  } kCases[] = {{run, false},
                {run + EndLine({75, false}), false},
                {run + EndLine({75, false}) + again + EndLine({0, true}), true},
                {run + EndLine({0, true}) + again, false}};
  for (const auto& [journal, complete] : kCases) {
    const test::TempDir directory;
    const auto history = History::Load(directory.Write("journal.jsonl", journal)).value();
    EXPECT_EQ(history.complete(), complete) << journal;
    EXPECT_EQ(history.intact_bytes(), journal.size());
  }
}

TEST(HistoryTest, CountsResultsOfTheLastSessionOnly) {
  const test::TempDir directory;
  const auto path = directory.Write(
      "journal.jsonl", RunLine({.session = 1}) + ResultLine(ResultOf("/a", Outcome::kFailed)) +
                           RunLine({.session = 2}) + ResultLine(ResultOf("/a", Outcome::kUploaded)) +
                           UploadLine({"t", "/large", "key-of/large", "id", 5, 5, 1, true}) +
                           UploadLine({"u", "/open", "key-of/open", "id", 5, 5, 1, true}) +
                           ResultLine(ResultOf("/large", Outcome::kUploaded)) +
                           ResultLine(ResultOf("/b", Outcome::kFailed)));
  auto history = History::Load(path, History::Depth::kOpenUploads).value();
  EXPECT_THAT(history.session_results(),
              testing::ElementsAre(testing::Pair("failed", 1u), testing::Pair("uploaded", 2u)));
  const auto open = history.uploads().TakeAll();
  ASSERT_EQ(open.size(), 1u) << "the upload of /large became an object";
  EXPECT_EQ(open[0].record.token, "u");
  EXPECT_EQ(history.inputs().done().found, 0u) << "results are counted only";
}

// Load() reads any bytes as far as they are a journal, or refuses them. Half of the texts have a right
// checksum on their first line, so that wrong fields are parsed, too.
TEST(HistoryTest, NeverThrowsWhateverTheBytes) {
  const InputFile file{"/p", "k", 5};
  ObjectResult result;
  result.file = std::make_shared<InputFile>(file);
  result.outcome = Outcome::kUploaded;
  const std::vector<std::string> seeds{
      RunLine({.session = 1,
               .scope = {RunKind::kRun, {"http://127.0.0.1:80"}, "b", "00"},
               .settings = "destination:\n  bucket: b\n",
               .job_file = "/job.yaml",
               .overrides = {"a.b=c"}}),
      CreatingLine("t", file, 1) + UploadLine({"t", "/p", "k", "id", 5, 5, 1, true}) +
          PartLine({"t", 1, 5, "e", "sha256:00"}) + CompletingLine("t") + ResultLine(result),
      GoneLine("t") + EndLine({0, true}), R"({"record":"part","token":5)"};
  const test::TempDir directory;
  test::Mutator mutator;
  for (int i = 0; i < test::Rounds() / 10; ++i) {
    auto text = mutator.Next(seeds) + (i % 3 == 0 ? "" : seeds[0]);
    if (i % 2 == 0) {  // gives the first line a right checksum
      const auto line = text.substr(0, text.find('\n'));
      const auto fields = line.substr(0, line.rfind(",\"crc"));
      text = fields + fmt::format(",\"crc\":\"{:08x}\"}}\n", s3::Crc32c(fields));
    }
    directory.Write("journal.jsonl", text);
    auto history = History::Load(directory / "journal.jsonl");
    if (!history) continue;
    EXPECT_EQ(history->intact_bytes() + history->torn_bytes(), text.size());
    (void)history->inputs().StateOf(file);
    (void)history->uploads().PartBytes(file);
    (void)history->uploads().Take(file);
    (void)History::Load(directory / "journal.jsonl", History::Depth::kOpenUploads);
  }
}

TEST(HistoryTest, OnlyResultsStoredWithTheSamePropertiesCount) {
  const auto session = [](const char* objects) {
    return RunLine({.session = 1, .scope = {RunKind::kRun, {"http://127.0.0.1:80"}, "b", objects}});
  };
  const auto uploaded = ResultLine(ResultOf("/a", Outcome::kUploaded));
  const auto upload = UploadLine({"token", "/large", "l", "id", 5, 5, 1, true});
  const InputFile a{"/a", "key-of/a", 5}, large{"/large", "l", 5};
  const RunScope now{RunKind::kRun, {"http://127.0.0.1:80"}, "b", "new"};
  const struct {
    std::string journal;
    bool counts;
  } kJournals[] = {{session("new") + uploaded + upload, true},
                   {session("old") + uploaded + upload, false},
                   {session("new") + uploaded + session("old") + uploaded + upload, false},
                   {session("old") + uploaded + session("new") + uploaded + upload, true},
                   {uploaded + upload, true}};  // of a version that did not record properties
  for (const auto& [journal, counts] : kJournals) {
    const test::TempDir directory;
    directory.Write("journal.jsonl", journal);
    auto history = History::Load(directory / "journal.jsonl", History::Depth::kAll, &now).value();
    EXPECT_EQ(history.inputs().FindDone(a).has_value(), counts) << journal;
    EXPECT_EQ(history.inputs().done().uploaded, counts ? 1u : 0u) << journal;
    EXPECT_EQ(history.uploads().Take(large)->outdated, !counts) << journal;
    EXPECT_TRUE(History::Load(directory / "journal.jsonl").value().inputs().FindDone(a))
        << "without a scope all results count";
  }
}

}  // namespace history_test
}  // namespace pipeline
