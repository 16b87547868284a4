#include "pipeline/open_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/support/support.h"

namespace pipeline {
namespace {

using s3::ErrorKind;
using testing::HasSubstr;

class OpenFileTest : public testing::Test {
 protected:
  InputFile File(const std::string& path) {
    InputFile file;
    file.path = path;
    struct stat status;
    file.size_bytes = stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
    return file;
  }
  test::TempDir directory_;
};

TEST_F(OpenFileTest, ReadsAnyRange) {
  std::string content(1'000'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7);
  const auto opened = OpenFile::Open(File(directory_.Write("f", content)));
  ASSERT_TRUE(opened);
  for (const auto& [offset, size] :
       {std::pair(0u, 0u), {0u, 1u}, {0u, 1'000'000u}, {999'999u, 1u}, {5u, 4096u}}) {
    std::string bytes(size, 'x');
    ASSERT_TRUE(opened->Read(offset, bytes));
    EXPECT_EQ(bytes, content.substr(offset, size));
  }
  std::string beyond(2, 'x');
  EXPECT_EQ(opened->Read(999'999, beyond).error().kind, ErrorKind::kChanged);
  EXPECT_TRUE(opened->CheckUnchanged());
}

TEST_F(OpenFileTest, AFifoInItsPlaceDoesNotHang) {
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(OpenFile::Open(File(directory_ / "fifo")).error().kind, ErrorKind::kChanged);
}

TEST_F(OpenFileTest, AFileThatIsLongerThanItSaysIsNotTruncated) {
  const auto opened = OpenFile::Open(File("/proc/self/status"));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->CheckUnchanged().error().kind, ErrorKind::kChanged);
}

TEST_F(OpenFileTest, ASymbolicLinkInItsPlaceIsNotFollowed) {
  directory_.Write("target", "x");
  ASSERT_EQ(symlink("target", (directory_ / "link").c_str()), 0);
  EXPECT_EQ(OpenFile::Open(File(directory_ / "link")).error().kind, ErrorKind::kLocal);
}

TEST_F(OpenFileTest, MissingFilesSayWhy) {
  EXPECT_THAT(OpenFile::Open(File(directory_ / "gone")).error().message, HasSubstr("No such file"));
}

TEST_F(OpenFileTest, ASizeThatIsNotTheOneThatWasFoundIsAChange) {
  auto file = File(directory_.Write("f", "four"));
  directory_.Write("f", "seven..");
  EXPECT_EQ(OpenFile::Open(file).error().kind, ErrorKind::kChanged);
  EXPECT_EQ(SizeNow(file), 7u);
  EXPECT_EQ(SizeNow(File(directory_ / "gone")), 0u);
}

// Each way a file can become another under an open descriptor.
TEST_F(OpenFileTest, EveryChangeIsNoticed) {
  namespace fs = std::filesystem;
  const auto path = directory_ / "f";
  const auto write_in_place = [&](const char* text) {
    std::FILE* const file = std::fopen(path.c_str(), "r+");
    std::fputs(text, file);
    std::fclose(file);
  };
  const std::vector<std::pair<std::string, std::function<void()>>> changes{
      {"grown", [&] { std::ofstream(path, std::ios::app) << "more"; }},
      {"truncated to zero", [&] { fs::resize_file(path, 0); }},
      {"shrunk", [&] { fs::resize_file(path, 3); }},
      {"rewritten in place", [&] { write_in_place("CONTENT!"); }},
      {"rewritten, mtime restored",
       [&] {
         const auto time = fs::last_write_time(path);
         write_in_place("CONTENT!");
         fs::last_write_time(path, time);
       }},
      {"replaced by another",
       [&] {
         directory_.Write("other", "content?");
         fs::rename(directory_ / "other", path);
       }},
      {"made sparse", [&] { fs::resize_file(path, 1 << 20); }},
  };
  for (const auto& [name, change] : changes) {
    directory_.Write("f", "content!");
    const auto opened = OpenFile::Open(File(path));
    ASSERT_TRUE(opened && opened->CheckUnchanged()) << name;
    usleep(5000);  // the clock that stamps files ticks every 4 ms
    change();
    const auto checked = opened->CheckUnchanged();
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().kind, ErrorKind::kChanged) << name;
  }
}

}  // namespace
}  // namespace pipeline
