#include "s3/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace s3 {
namespace unique_fd_test {

int Open() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFdTest, ClosesItsDescriptorOnce) {
  int fd = -1;
  {
    UniqueFd owner(Open());
    fd = owner.get();
    EXPECT_TRUE(IsOpen(fd));
    owner.Close();
    EXPECT_FALSE(IsOpen(fd));
    EXPECT_EQ(owner.get(), -1);
    fd = Open();  // has the same number again
  }
  EXPECT_TRUE(IsOpen(fd));
  close(fd);
}

TEST(UniqueFdTest, AMoveTransfersOwnership) {
  UniqueFd first(Open());
  const int fd = first.get();
  UniqueFd second(std::move(first));
  EXPECT_EQ(second.get(), fd);
  EXPECT_EQ(first.get(), -1);
  UniqueFd third(-1);
  third = std::move(second);
  EXPECT_EQ(third.get(), fd);
  EXPECT_TRUE(IsOpen(fd));
}

TEST(UniqueFdTest, AssignmentLeavesTheOldDescriptorToTheOther) {
  UniqueFd target(Open());
  const int old = target.get();
  {
    UniqueFd other(Open());
    target = std::move(other);
    EXPECT_TRUE(IsOpen(old));
  }
  EXPECT_FALSE(IsOpen(old));
  EXPECT_TRUE(IsOpen(target.get()));
}

TEST(UniqueFdTest, ReleaseGivesUpOwnership) {
  int fd = -1;
  {
    UniqueFd owner(Open());
    fd = owner.Release();
  }
  EXPECT_TRUE(IsOpen(fd));
  close(fd);
}

}  // namespace unique_fd_test
}  // namespace s3
