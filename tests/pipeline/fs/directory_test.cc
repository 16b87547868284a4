#include "pipeline/fs/directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <future>
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

TEST(HasFileThatBeginsTest, AnErrorIsToldApartFromNoFile) {
  test::TempDir directory;
  directory.Write("tag", "begin and more");
  const auto fd = Open(directory.path());
  EXPECT_TRUE(HasFileThatBegins(fd.get(), "tag", "begin").value());
  EXPECT_FALSE(HasFileThatBegins(fd.get(), "tag", "other").value());
  EXPECT_FALSE(HasFileThatBegins(fd.get(), "none", "begin").value());
  const auto unknown = HasFileThatBegins(-1, "tag", "begin");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "tag: Bad file descriptor");
}

// Another thread closes a descriptor after the first try.
TEST(HasFileThatBeginsTest, AFreeDescriptorIsWaitedFor) {
  test::TempDir directory;
  directory.Write("tag", "begin");
  const auto fd = Open(directory.path());
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  s3::UniqueFd last(open("/", O_RDONLY | O_CLOEXEC));
  const rlimit none_left{static_cast<rlim_t>(last.get() + 1), limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  auto looked = std::async(std::launch::async, [&] { return HasFileThatBegins(fd.get(), "tag", "begin"); });
  last = s3::UniqueFd(-1);
  const auto found = looked.get();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(*found);
}

}  // namespace directory_test
}  // namespace pipeline
