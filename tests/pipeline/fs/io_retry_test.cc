#include "pipeline/fs/io_retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "s3/base/result.h"

namespace pipeline {
namespace io_retry_test {

using std::chrono::milliseconds;
using testing::ElementsAre;

// A call that fails with these errors, one after the other, and then succeeds; and the pauses around it.
struct Script {
  s3::Result<int> operator()() {
    if (calls == errors.size()) return 7;
    s3::Error error{.kind = s3::ErrorKind::kLocal};
    error.system_error = errors[calls++];
    return tl::unexpected(error);
  }
  s3::Result<int> Run() {
    return RetryIo(std::ref(*this), [this](milliseconds time) { pauses.push_back(time.count()); });
  }

  std::vector<int> errors;
  std::size_t calls = 0;
  std::vector<std::int64_t> pauses{};
};

TEST(RetryIoTest, RepeatsWithLongerAndLongerPauses) {
  Script script{{ESTALE, ESTALE, EBUSY, EAGAIN}};
  EXPECT_EQ(script.Run().value(), 7);
  EXPECT_THAT(script.pauses, ElementsAre(10, 40, 160, 640));
}

TEST(RetryIoTest, GivesUpAfterFiveTries) {
  Script script{{ESTALE, ESTALE, ESTALE, ESTALE, ESTALE}};
  EXPECT_EQ(script.Run().error().system_error, ESTALE);
  EXPECT_EQ(script.pauses.size(), 4u);
}

TEST(RetryIoTest, OneMoreTryForWhatIsUsuallyFinal) {
  EXPECT_EQ((Script{{EIO}}.Run().value()), 7);
  Script twice{{ENOENT, ENOENT}};
  EXPECT_EQ(twice.Run().error().system_error, ENOENT);
  EXPECT_THAT(twice.pauses, ElementsAre(10));
}

TEST(RetryIoTest, AFinalErrorIsReturnedAtOnce) {
  for (const int error : {EACCES, EMFILE, 0}) {
    Script script{{error}};
    EXPECT_EQ(script.Run().error().system_error, error);
    EXPECT_THAT(script.pauses, ElementsAre());
  }
}

TEST(RetrySystemCallTest, RepeatsAndKeepsErrno) {
  int calls = 0;
  const auto interrupted_once = [&] {
    errno = EINTR;
    return calls++ == 0 ? -1 : 5;
  };
  EXPECT_EQ(RetrySystemCall(interrupted_once), 5);
  EXPECT_EQ(calls, 2);
  const auto refused = [] {
    errno = EACCES;
    return -1;
  };
  EXPECT_EQ(RetrySystemCall(refused), -1);
  EXPECT_EQ(errno, EACCES);
}

}  // namespace io_retry_test
}  // namespace pipeline
