// Directories that may hold files of other programs, and journals that a crash has torn.
#include "pipeline/fs/own_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "pipeline/fs/files.h"
#include "pipeline/fs/line_reader.h"
#include "pipeline/journal/checksummed_line.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "pipeline/journal/record.h"
#include "pipeline/journal/run_lock.h"
#include "tests/support/support.h"

namespace pipeline {
namespace own_dir_test {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr uid_t kStranger = 12345;

mode_t ModeOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

class OwnDirTest : public testing::Test {
 protected:
  OwnDirTest() {
    ours_.Write("run/file", "ours");
    chmod((ours_ / "run").c_str(), 0755);
    victim_ = ours_.Write("victim", "theirs");
  }
  OwnDir Open(Trust trust = Trust::kOurs) const { return OwnDir::Open(ours_ / "run", trust).value(); }
  std::string Path(const std::string& name) const { return ours_ / ("run/" + name); }
  // Expects that no method opens `name`, and that the messages have its path and `words`.
  void ExpectRefused(const std::string& name, const std::string& words) const {
    const auto directory = Open();
    const auto says = AllOf(HasSubstr(Path(name)), HasSubstr(words));
    const auto found = directory.Find(name);
    ASSERT_FALSE(found) << name;
    EXPECT_THAT(found.error().message, says);
    EXPECT_THAT(directory.Read(name).error().message, says);
    EXPECT_THAT(directory.Text(name, 100).error().message, says);
    EXPECT_THAT(directory.Append(name, 0600).error().message, says);
    EXPECT_FALSE(directory.Create(name, 0600));
    EXPECT_TRUE(directory.Has(name));
  }
  void TearDown() override { EXPECT_EQ(test::ReadAll(victim_), "theirs"); }

  test::TempDir ours_;
  std::string victim_;
};

TEST_F(OwnDirTest, FilesAreReadAppendedToMadeAndReplaced) {
  const auto directory = Open();
  EXPECT_EQ(directory.Text("file", 4).value(), "ours");
  EXPECT_THAT(directory.Text("file", 3).error().message, HasSubstr("has more than 3 bytes"));
  EXPECT_FALSE(directory.Find("none").value());
  EXPECT_THAT(directory.Read("none").error().message, HasSubstr("run/none: No such file"));
  EXPECT_EQ(WriteAll(directory.Append("file", 0600).value().get(), ", too"), 0);
  EXPECT_EQ(directory.Text("file", 100).value(), "ours, too");
  EXPECT_EQ(WriteAll(directory.Append("new", 0640).value().get(), "1"), 0);
  EXPECT_EQ(ModeOf(Path("new")), 0640u);
  EXPECT_TRUE(directory.Create("other", 0600));
  EXPECT_THAT(directory.Create("other", 0600).error().message, HasSubstr("File exists"));
  EXPECT_TRUE(directory.Write("file", std::string(100'000, 'x'), 0600));
  EXPECT_EQ(directory.Text("file", 100'000).value(), std::string(100'000, 'x'));
  EXPECT_EQ(ModeOf(Path("file")), 0600u);
  EXPECT_THAT(directory.Names().value(), UnorderedElementsAre("file", "new", "other"));
  directory.Remove("other");
  EXPECT_FALSE(directory.Has("other"));
}

TEST_F(OwnDirTest, WhatIsNoRegularFileIsRefusedAndStays) {
  symlink(victim_.c_str(), Path("link").c_str());
  symlink("none", Path("dangling").c_str());
  mkfifo(Path("fifo").c_str(), 0600);
  mkdir(Path("directory").c_str(), 0700);
  ExpectRefused("link", "is a symbolic link, not a regular file");
  ExpectRefused("dangling", "is a symbolic link");
  ExpectRefused("fifo", "is a FIFO");
  ExpectRefused("directory", "is a directory");
  EXPECT_FALSE(fs::exists(Path("none")));
  const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "{}", Path("socket"));
  ASSERT_EQ(bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(listening);
  ExpectRefused("socket", "is a socket");
  if (mknod(Path("device").c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0)
    ExpectRefused("device", "is a device");
}

TEST_F(OwnDirTest, AHardLinkIsReadAndNotWrittenTo) {
  link(victim_.c_str(), Path("link").c_str());
  EXPECT_EQ(Open().Text("link", 100).value(), "theirs");
  EXPECT_THAT(Open().Append("link", 0600).error().message, HasSubstr("has a second name"));
  EXPECT_TRUE(Open().Write("link", "ours", 0600)) << "another file takes its place";
}

TEST_F(OwnDirTest, WriteDoesNotFollowAnEntryWithTheTemporaryName) {
  for (const auto plant : {+[](const char*to, const char*at) { return symlink(to, at); },
                           +[](const char*to, const char*at) { return link(to, at); },
                           +[](const char*, const char*at) { return mkfifo(at, 0600); }}) {
    ASSERT_EQ(plant(victim_.c_str(), Path("file.new").c_str()), 0);
    EXPECT_TRUE(Open().Write("file", "new", 0600));
    EXPECT_EQ(Open().Text("file", 100).value(), "new");
    EXPECT_FALSE(Open().Has("file.new"));
  }
  mkdir(Path("file.new").c_str(), 0700);
  EXPECT_FALSE(Open().Write("file", "newer", 0600));
  EXPECT_EQ(Open().Text("file", 100).value(), "new");
}

TEST_F(OwnDirTest, DirectoriesInItAreJudgedLikeFiles) {
  ours_.Write("run/a/b/file", "deep");
  for (const auto* name : {"a", "a/b"}) chmod(Path(name).c_str(), 0755);
  EXPECT_EQ(Open().Text("a/b/file", 100).value(), "deep");
  EXPECT_EQ(Open().FindDir("a/b").value()->Text("file", 100).value(), "deep");
  EXPECT_FALSE(Open().FindDir("none/b").value());
  EXPECT_FALSE(Open().Find("none/file").value());
  chmod(Path("a").c_str(), 0775);
  EXPECT_THAT(Open().FindDir("a/b").error().message,
              AllOf(HasSubstr("run/a may"), HasSubstr("chmod -R go-w")));
  EXPECT_TRUE(Open(Trust::kOthers).FindDir("a/b"));
  symlink("a", Path("link").c_str());
  EXPECT_THAT(Open().FindDir("link/b").error().message,
              HasSubstr("link is a symbolic link, not a directory"));
  EXPECT_THAT(Open().MakeDir("link").error().message, HasSubstr("is a symbolic link"));
  EXPECT_THAT(Open().MakeDir("file").error().message, HasSubstr("is a regular file, not a directory"));
  mkfifo(Path("fifo").c_str(), 0600);
  EXPECT_THAT(Open().MakeDir("fifo").error().message, HasSubstr("is a FIFO"));
}

TEST_F(OwnDirTest, AnEmptyDirectoryLosesOldFilesAndNoOthers) {
  ours_.Write("run/spool/0", "old");
  ours_.Write("run/spool/12", "old");
  chmod(Path("spool").c_str(), 0755);
  EXPECT_THAT(Open().MakeEmptyDir("spool").value().Names().value(), testing::IsEmpty());
  for (const auto* theirs : {"spool/notes", "spool/12/file", "spool/.hidden"}) {
    ours_.Write(std::string("run/") + theirs, "theirs");
    EXPECT_THAT(Open().MakeEmptyDir("spool").error().message, HasSubstr("was not written by s3flow"));
    EXPECT_EQ(test::ReadAll(Path(theirs)), "theirs");
    fs::remove_all(Path("spool"));
    mkdir(Path("spool").c_str(), 0755);
  }
}

TEST_F(OwnDirTest, OthersMayNotWrite) {
  for (const mode_t mode : {0777, 0775, 0757, 01777}) {
    chmod((ours_ / "run").c_str(), mode);
    EXPECT_THAT(OwnDir::Open(ours_ / "run").error().message,
                AllOf(HasSubstr(fmt::format("(mode {:04o})", mode)),
                      HasSubstr("chmod -R go-w " + (ours_ / "run")), HasSubstr("--trust-dir")));
    EXPECT_FALSE(OwnDir::Make(ours_ / "run"));
    EXPECT_TRUE(OwnDir::Open(ours_ / "run", Trust::kOthers));
    EXPECT_TRUE(OwnDir::Around(Path("file"), Trust::kOurs)) << "Around() does not check the directory";
  }
  chmod((ours_ / "run").c_str(), 0755);
  chmod(Path("file").c_str(), 0660);
  EXPECT_THAT(Open().Find("file").error().message, HasSubstr("chmod go-w " + Path("file")));
  EXPECT_TRUE(Open(Trust::kOthers).Find("file"));
}

TEST_F(OwnDirTest, OthersMayNotOwn) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may give files to another user";
  ASSERT_EQ(chown(Path("file").c_str(), kStranger, 0), 0);
  EXPECT_THAT(Open().Find("file").error().message, HasSubstr("belongs to another user (uid 12345)"));
  EXPECT_FALSE(Open(Trust::kOthers).Find("file")) << "the stranger does not own the directory";
  ASSERT_EQ(chown((ours_ / "run").c_str(), kStranger, 0), 0);
  EXPECT_THAT(OwnDir::Open(ours_ / "run").error().message, HasSubstr("--trust-dir"));
  EXPECT_TRUE(Open(Trust::kOthers).Find("file"));
  EXPECT_TRUE(OwnDir::Open(ours_ / "run", Trust::kOthers).value().Append("file", 0600));
  ASSERT_EQ(chown(Path("file").c_str(), kStranger + 1, 0), 0);
  EXPECT_FALSE(Open(Trust::kOthers).Find("file"));
}

TEST_F(OwnDirTest, WhatItMakesIsForItsOwner) {
  const auto before = umask(0);
  const auto made = OwnDir::Make(ours_ / "a/b/run/");
  const auto inner = made.and_then([](const OwnDir& directory) { return directory.MakeDir("locks"); });
  umask(before);
  ASSERT_TRUE(inner) << inner.error().message;
  EXPECT_EQ(ModeOf(ours_ / "a/b/run"), 0755u);
  EXPECT_EQ(ModeOf(ours_ / "a/b/run/locks"), 0755u);
  EXPECT_EQ(ModeOf(ours_ / "a/b"), 0777u) << "the umask decides: others may have runs there, too";
  EXPECT_TRUE(OwnDir::Make(ours_ / "a/b/run"));
  for (const auto* file : {"run/file", "run/file/below"}) EXPECT_FALSE(OwnDir::Make(ours_ / file)) << file;
}

TEST_F(OwnDirTest, StaysTheDirectoryThatItWas) {
  const auto directory = Open();
  const auto locks = directory.MakeDir("locks").value();
  fs::rename(ours_ / "run", ours_ / "moved");
  mkdir((ours_ / "theirs").c_str(), 0755);
  symlink("theirs", (ours_ / "run").c_str());
  EXPECT_TRUE(directory.Write("file", "new", 0600));
  EXPECT_TRUE(directory.Append("appended", 0600));
  EXPECT_TRUE(locks.Create("1", 0600));
  EXPECT_TRUE(fs::is_empty(ours_ / "theirs"));
  EXPECT_EQ(test::ReadAll(ours_ / "moved/file"), "new");
  EXPECT_TRUE(fs::exists(ours_ / "moved/locks/1"));
}

// A lock writes to the file that it has opened, even if its name now leads to another file.
TEST_F(OwnDirTest, AnEndingLockWritesIntoItsOwnFile) {
  {
    const auto lock = RunLock::Acquire(Open(), [] {}).value();
    fs::rename(Path("locks/1"), Path("locks/moved"));
    symlink(victim_.c_str(), Path("locks/1").c_str());
  }
  EXPECT_THAT(test::ReadAll(Path("locks/moved")), HasSubstr("released"));
}

class TornJournalTest : public OwnDirTest {
 protected:
  // Loads a journal with this text. Returns the number of intact bytes, or the message of the error.
  std::string Loaded(const std::string& text) {
    ours_.Write("run/journal.jsonl", text);
    const auto history = History::Load(Open());
    if (!history) return history.error().message;
    EXPECT_EQ(history->intact_bytes() + history->torn_bytes(), text.size());
    return std::to_string(history->intact_bytes());
  }
  const std::string run_ =
      RunLine({.session = 1, .settings = "destination:\n  bucket: b\n", .job_file = "/job.yaml"});
  const std::string line_ = GoneLine("t");
};

TEST_F(TornJournalTest, OneLineAtTheEndMayBeTorn) {
  const auto whole = std::to_string(run_.size());
  EXPECT_EQ(Loaded(run_), whole);
  const std::string zeros(3000, '\0');
  for (const auto& torn :
       {line_.substr(0, 10), zeros, line_.substr(0, 10) + zeros, line_.substr(0, 10) + zeros + "\"}\n",
        std::string("\n"), std::string("garbage\n")}) {
    EXPECT_EQ(Loaded(run_ + torn), whole) << torn;
    EXPECT_THAT(Loaded(run_ + torn + (torn.ends_with('\n') ? "" : "\n") + line_),
                HasSubstr("jsonl:2: this line is damaged"));
    EXPECT_THAT(Loaded(run_ + torn + (torn.ends_with('\n') ? "" : "\n") + "x"), HasSubstr("head -n 1"));
  }
}

TEST_F(TornJournalTest, AFirstLineMayBeTornWhenItIsThatOfARun) {
  for (std::size_t bytes = 0; bytes < run_.size(); ++bytes) {
    EXPECT_EQ(Loaded(run_.substr(0, bytes)), "0") << bytes;
    EXPECT_EQ(Loaded(run_.substr(0, bytes) + std::string(100, '\0')), "0") << bytes;
  }
  for (const auto* other : {"{\"event\":1}", "{\"record\":\"result\"", "\n", "x", "{\"record\":\"run\"}\n",
                            "{\"record\":\"run\n"}) {
    EXPECT_THAT(Loaded(other), HasSubstr("is not a journal of s3flow")) << other;
  }
  auto damaged = run_;
  damaged[20] ^= 1;
  EXPECT_THAT(Loaded(damaged), HasSubstr("is not a journal of s3flow"));
}

TEST_F(TornJournalTest, ALineOfAnotherVersionIsNotTorn) {
  EXPECT_THAT(Loaded(run_ + ChecksummedLine("merkle").WithChecksum()),
              HasSubstr("jsonl:2: this line is of another version"));
  EXPECT_THAT(Loaded(ChecksummedLine("merkle").WithChecksum()),
              HasSubstr("jsonl:1: this line is of another version"));
}

TEST_F(TornJournalTest, WhatIsCutOffIsKept) {
  for (const auto* torn : {"one", "two\n"}) {
    ours_.Write("run/journal.jsonl", run_ + torn);
    ASSERT_TRUE(Journal::Open(Open(), run_.size(), nullptr));
    EXPECT_EQ(test::ReadAll(Path("journal.jsonl")), run_);
  }
  EXPECT_EQ(test::ReadAll(Path("journal.jsonl.torn")), "one\ntwo\n");
  EXPECT_EQ(ModeOf(Path("journal.jsonl.torn")), 0600u);
}

TEST_F(TornJournalTest, TheTimeComesFromTheFileSystemAndLeavesNoFile) {
  const auto before = Open().Names().value();
  struct stat status {};
  ours_.Write("run/young", "");
  ASSERT_EQ(stat((ours_ / "run/young").c_str(), &status), 0);
  std::filesystem::remove(ours_ / "run/young");
  EXPECT_GE(Open().FileSystemTime(), status.st_mtim.tv_sec);
  EXPECT_EQ(Open().Names().value(), before);
}

// If another program has written to the journal, nothing is cut off.
TEST_F(TornJournalTest, WhatWasNotReadIsNotCutOff) {
  for (const auto& text : {run_.substr(1), run_ + std::string(kMaxLineBytes + 2, 'x')}) {
    ours_.Write("run/journal.jsonl", text);
    const auto journal = Journal::Open(Open(), run_.size(), nullptr);
    ASSERT_FALSE(journal);
    EXPECT_THAT(journal.error().message, HasSubstr("has changed since it was read"));
    EXPECT_EQ(test::ReadAll(Path("journal.jsonl")), text);
  }
}

}  // namespace own_dir_test
}  // namespace pipeline
