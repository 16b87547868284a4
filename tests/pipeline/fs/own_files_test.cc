#include "pipeline/fs/own_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/fs/zstd_file.h"
#include "s3/base/unique_fd.h"
#include "tests/support/support.h"

namespace pipeline {
namespace own_files_test {

struct stat StatOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status;
}

TEST(OwnFilesTest, AFileIsRecognizedUnderEveryPath) {
  test::TempDir directory;
  const auto own = directory.Write("trace", "x");
  const auto other = directory.Write("other", "x");
  ASSERT_EQ(link(own.c_str(), (directory / "link").c_str()), 0);
  OwnFiles files;
  files.Add(own);
  EXPECT_TRUE(files.Contains(StatOf(own)));
  EXPECT_TRUE(files.Contains(StatOf(directory / "link")));
  EXPECT_FALSE(files.Contains(StatOf(other)));
}

TEST(OwnFilesTest, AMissingFileAddsNothing) {
  test::TempDir directory;
  OwnFiles files;
  files.Add("");
  files.Add(directory / "none");
  EXPECT_FALSE(files.Contains({})) << "no inode has the number 0";
}

TEST(IsRunDirectoryTest, TheJournalsBeginningDecides) {
  test::TempDir directory;
  const auto is_run = [&] {
    const s3::UniqueFd fd(open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return IsRunDirectory(fd.get()).value();
  };
  EXPECT_FALSE(is_run());
  for (const auto* text : {"", R"({"record":"ru)", R"({"record":"result","x":1})", "not a journal"}) {
    directory.Write("journal.jsonl", text);
    EXPECT_FALSE(is_run()) << text;
  }
  directory.Write("journal.jsonl", R"({"record":"run","session":1})");
  EXPECT_TRUE(is_run());
  unlink((directory / "journal.jsonl").c_str());
  for (const auto& text : {std::string(), std::string("\x28\xB5\x2F\xFD frame of another program"),
                           std::string(kZstdHead.substr(1))}) {
    directory.Write("journal.jsonl.zst", text);
    EXPECT_FALSE(is_run()) << text;
  }
  directory.Write("journal.jsonl.zst", kZstdHead);
  EXPECT_TRUE(is_run());
}

TEST(IsRunDirectoryTest, ALinkAndAFifoAreNoJournals) {
  test::TempDir directory;
  directory.Write("real", R"({"record":"run","session":1})");
  const s3::UniqueFd fd(open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto journal = directory / "journal.jsonl";
  ASSERT_EQ(symlink("real", journal.c_str()), 0);
  EXPECT_FALSE(IsRunDirectory(fd.get()).value());
  unlink(journal.c_str());
  ASSERT_EQ(mkfifo(journal.c_str(), 0600), 0);
  EXPECT_FALSE(IsRunDirectory(fd.get()).value()) << "a FIFO; the call must not wait for a writer";
}

}  // namespace own_files_test
}  // namespace pipeline
