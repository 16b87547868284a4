// Here another thread changes the tree while files are opened. source/open_file_test.cc tests what each kind
// of name leads to.
#include "pipeline/fs/beneath.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "s3/base/unique_fd.h"
#include "tests/support/support.h"

namespace pipeline {
namespace beneath_test {

// A directory and a link to another one take each other's place all the time.
TEST(BeneathTest, ALinkThatReplacesADirectoryIsNeverFollowed) {
  test::TempDir directory;
  const auto inside = directory.Write("root/a/file", "inside");
  directory.Write("outside/file", "outside");
  ASSERT_EQ(symlink("../outside", (directory / "root/link").c_str()), 0);
  struct stat expected {};
  ASSERT_EQ(stat(inside.c_str(), &expected), 0);
  const s3::UniqueFd root(open((directory / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::atomic<bool> is_done = false;
  std::thread swapper([&] {
    while (!is_done) renameat2(root.get(), "a", root.get(), "link", RENAME_EXCHANGE);
  });
  int opened = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto open_file = i % 2 == 0 ? OpenBeneath : OpenStepByStep;
    const s3::UniqueFd fd(open_file(root.get(), "a/file", O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) continue;
    ++opened;
    struct stat status {};
    EXPECT_EQ(fstat(fd.get(), &status), 0);
    EXPECT_EQ(status.st_ino, expected.st_ino);
  }
  is_done = true;
  swapper.join();
  std::printf("%d of 4000 were opened\n", opened);
}

}  // namespace beneath_test
}  // namespace pipeline
