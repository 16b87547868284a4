#include "pipeline/fs/directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "tests/support/support.h"

namespace pipeline {
namespace directory_test {

s3::UniqueFd Open(const std::string& path) { return s3::UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

// Names that need several buffers.
TEST(DirectoryReaderTest, ReadsEveryNameOnce) {
  test::TempDir directory;
  std::set<std::string> written, read;
  for (int i = 0; i < 1000; ++i) {
    const auto name = std::to_string(i) + std::string(100, 'x');
    directory.Write(name, "");
    written.insert(name);
  }
  DirectoryReader reader(Open(directory.path()));
  while (const char* const name = reader.Next()) EXPECT_TRUE(read.insert(name).second) << name;
  EXPECT_EQ(read, written);
  EXPECT_EQ(reader.error(), 0);
  EXPECT_EQ(reader.Next(), nullptr) << "the end stays the end";
}

TEST(DirectoryReaderTest, AnEmptyDirectoryHasNoNames) {
  test::TempDir directory;
  DirectoryReader reader(Open(directory.path()));
  EXPECT_EQ(reader.Next(), nullptr);
  EXPECT_EQ(reader.error(), 0);
}

TEST(DirectoryReaderTest, AnErrorIsToldApartFromTheEnd) {
  test::TempDir directory;
  DirectoryReader reader(Open(directory.Write("file", "")));
  EXPECT_EQ(reader.Next(), nullptr);
  EXPECT_EQ(reader.error(), ENOTDIR);
}

}  // namespace directory_test
}  // namespace pipeline
