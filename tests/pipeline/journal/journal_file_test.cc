#include "pipeline/journal/journal_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "pipeline/fs/zstd_file.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/journal_reader.h"
#include "tests/support/support.h"

namespace pipeline {
namespace journal_file_test {

using testing::ElementsAre;
using testing::HasSubstr;

class JournalFileTest : public testing::Test {
 protected:
  JournalFileTest() {
    for (int i = 0; i < 3000; ++i) text_ += CompletingLine(fmt::format("token-{}", i * 7919));
    text_ += EndLine({0, true});
  }

  void WritePlain() { directory_.Write(kJournalName, text_); }
  void WriteCompressed() {
    WritePlain();
    ASSERT_TRUE(CompressJournal(dir_, {}));
  }
  std::string Plain() const { return test::ReadAll(directory_ / kJournalName); }
  std::string Compressed() const { return test::ReadAll(directory_ / kCompressedJournalName); }
  std::vector<std::string> Names() const {
    auto names = dir_.Names().value();
    std::sort(names.begin(), names.end());
    return names;
  }
  // Reads the journal as all commands do. Returns its lines, or the message of the error.
  std::string Read() const {
    auto file = ReadJournal(dir_);
    if (!file) return file.error().message;
    JournalReader reader(std::move(*file));
    std::string text;
    while (reader.Next()) text += std::string(reader.line()) + "\n";
    return reader.failure() ? reader.failure()->message : text;
  }

  const test::TempDir directory_;
  const OwnDir dir_ = OwnDir::Open(directory_.path()).value();
  std::string text_ = RunLine({.session = 1});
};

TEST_F(JournalFileTest, CompressingAndExpandingReturnsTheSameJournal) {
  WritePlain();
  EXPECT_TRUE(HasJournal(dir_) && HasJournal(directory_.path()));
  ASSERT_TRUE(CompressJournal(dir_, {}));
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl.zst"));
  EXPECT_LT(Compressed().size(), text_.size() / 2);
  EXPECT_EQ(std::filesystem::status(directory_ / kCompressedJournalName).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_TRUE(HasJournal(dir_) && HasJournal(directory_.path()));
  EXPECT_EQ(JournalPathIn(directory_.path()), directory_ / "journal.jsonl.zst");
  EXPECT_EQ(Read(), text_);
  const auto history = History::Load(dir_).value();
  EXPECT_TRUE(history.complete());
  EXPECT_EQ(history.intact_bytes(), text_.size());

  EXPECT_TRUE(ExpandJournal(dir_).value());
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl"));
  EXPECT_EQ(Plain(), text_);
  EXPECT_EQ(JournalPathIn(directory_.path()), directory_ / "journal.jsonl");
  EXPECT_FALSE(ExpandJournal(dir_).value()) << "nothing to decompress";
  EXPECT_EQ(Plain(), text_);
}

TEST_F(JournalFileTest, WithoutAJournalThereIsNothing) {
  EXPECT_FALSE(HasJournal(dir_) || HasJournal(directory_.path()));
  EXPECT_FALSE(FindJournal(dir_).value());
  EXPECT_THAT(ReadJournal(dir_).error().message, HasSubstr("journal.jsonl: No such file"));
  EXPECT_FALSE(ExpandJournal(dir_).value());
  EXPECT_EQ(JournalPathIn(directory_.path()), directory_ / "journal.jsonl");
}

// A compression that was killed after its rename leaves both files.
TEST_F(JournalFileTest, ThePlainFileIsTheJournalIfBothExist) {
  WriteCompressed();
  text_ += CompletingLine("later");
  WritePlain();
  EXPECT_EQ(Read(), text_);
  EXPECT_FALSE(ExpandJournal(dir_).value());
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl"));
  EXPECT_EQ(Read(), text_);
}

TEST_F(JournalFileTest, WhatAKilledProcessLeftIsReplacedAndRemoved) {
  WritePlain();
  directory_.Write("journal.jsonl.zst.new", "half of a file");
  EXPECT_EQ(Read(), text_);
  ASSERT_TRUE(CompressJournal(dir_, {}));
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl.zst"));
  directory_.Write("journal.jsonl.new", "half of a line");
  EXPECT_EQ(Read(), text_);
  EXPECT_TRUE(ExpandJournal(dir_).value());
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl"));
  directory_.Write("journal.jsonl.zst.new", "half of a file");
  EXPECT_FALSE(ExpandJournal(dir_).value());
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl"));
  EXPECT_EQ(Read(), text_);
}

TEST_F(JournalFileTest, ADamagedFileIsAnErrorAndNeverAnEmptyJournal) {
  WriteCompressed();
  const auto whole = Compressed();
  auto changed = whole;
  changed[whole.size() / 2] ^= 1;
  for (const auto& damaged :
       {whole.substr(0, 0), whole.substr(0, kZstdHead.size()), whole.substr(0, whole.size() / 2),
        whole.substr(0, whole.size() - 1), changed, whole + "more", text_}) {
    directory_.Write(kCompressedJournalName, damaged);
    EXPECT_THAT(Read(), HasSubstr("journal.jsonl.zst")) << damaged.size();
    EXPECT_THAT(Read(), HasSubstr("put back a copy of ")) << damaged.size();
    EXPECT_FALSE(History::Load(dir_));
    EXPECT_FALSE(ExpandJournal(dir_));
    EXPECT_THAT(Names(), ElementsAre("journal.jsonl.zst"));
    EXPECT_EQ(Compressed(), damaged);
  }
}

// A crash tears the last line of a plain journal only.
TEST_F(JournalFileTest, ATornLineAfterDecompressionIsAnError) {
  for (const auto* torn : {R"({"record":"res)", "x\n", "\n"}) {
    const auto whole = text_;
    text_ += torn;
    WriteCompressed();
    text_ = whole;
    EXPECT_THAT(Read(), HasSubstr("this line is damaged: put back a copy of the file"));
    EXPECT_FALSE(History::Load(dir_));
    dir_.Remove(kCompressedJournalName);
  }
}

TEST_F(JournalFileTest, ALineThatIsTooLongAfterDecompressionIsRefused) {
  text_ += std::string(17 << 20, 'x') + "\n";
  WriteCompressed();
  EXPECT_LT(Compressed().size(), 100'000u);
  EXPECT_THAT(Read(), HasSubstr("this line is longer than 16 MiB"));
}

TEST_F(JournalFileTest, AFullDiskLeavesTheJournalAsItWas) {
  rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, SIG_IGN);
  const auto with_limit = [&](rlim_t bytes, const auto& action) {
    const rlimit small{bytes, limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const auto done = action();
    setrlimit(RLIMIT_FSIZE, &limit);
    return !done;
  };
  WritePlain();
  EXPECT_TRUE(with_limit(1000, [&] { return CompressJournal(dir_, {}); }));
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl"));
  EXPECT_EQ(Read(), text_);
  WriteCompressed();
  EXPECT_TRUE(with_limit(text_.size() - 1, [&] { return ExpandJournal(dir_); }));
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl.zst"));
  EXPECT_EQ(Read(), text_);
}

TEST_F(JournalFileTest, AStopLeavesThePlainJournal) {
  std::stop_source stop;
  stop.request_stop();
  WritePlain();
  EXPECT_FALSE(CompressJournal(dir_, stop.get_token()));
  EXPECT_THAT(Names(), ElementsAre("journal.jsonl"));
}

TEST_F(JournalFileTest, ALinkIsNotFollowed) {
  WriteCompressed();
  const test::TempDir other;
  std::filesystem::create_symlink(directory_ / kCompressedJournalName, other / kCompressedJournalName);
  const auto dir = OwnDir::Open(other.path()).value();
  EXPECT_TRUE(HasJournal(dir));
  EXPECT_THAT(FindJournal(dir).error().message, HasSubstr("is a symbolic link"));
  EXPECT_FALSE(ExpandJournal(dir));
}

}  // namespace journal_file_test
}  // namespace pipeline
