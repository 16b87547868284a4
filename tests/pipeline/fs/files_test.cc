#include "pipeline/fs/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "s3/base/unique_fd.h"
#include "tests/support/support.h"

namespace pipeline {
namespace files_test {

TEST(WriteAllTest, WritesAllOfALongText) {
  test::TempDir directory;
  const auto content = test::Content(1'000'000);
  const s3::UniqueFd file(open((directory / "f").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_EQ(WriteAll(file.get(), content), 0);
  EXPECT_EQ(WriteAll(file.get(), ""), 0);
  EXPECT_EQ(test::ReadAll(directory / "f"), content);
}

TEST(WriteAllTest, ReturnsTheErrno) {
  const s3::UniqueFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(WriteAll(full.get(), "x"), ENOSPC);
  EXPECT_EQ(WriteAll(-1, "x"), EBADF);
}

TEST(ErrnoErrorTest, NamesThePathAndTheReason) {
  const auto error = ErrnoError("/data/f", EACCES);
  EXPECT_EQ(error.kind, s3::ErrorKind::kLocal);
  EXPECT_EQ(error.message, "/data/f: Permission denied");
}

}  // namespace files_test
}  // namespace pipeline
