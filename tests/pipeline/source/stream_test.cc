#include "pipeline/source/stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>

#include "s3/base/unique_fd.h"
#include "tests/support/support.h"

namespace pipeline {
namespace stream_test {

using testing::HasSubstr;

class StreamReadTest : public testing::Test {
 protected:
  StreamReadTest() { EXPECT_EQ(mkfifo(fifo_.c_str(), 0600), 0); }
  ~StreamReadTest() override {
    if (writer_.joinable()) writer_.join();
  }

  void Write(std::string content) {
    writer_ = std::thread([this, content = std::move(content)] {
      const s3::UniqueFd fd(open(fifo_.c_str(), O_WRONLY | O_CLOEXEC));
      EXPECT_EQ(write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    });
  }
  // Reads the next part of at most `size` bytes into bytes_.
  s3::Result<StreamPart> Read(Stream* stream, std::size_t size) {
    bytes_.assign(size, '?');
    s3::BlockingWaiter waiter;
    auto part = stream->Read(bytes_, &waiter);
    if (part) bytes_.resize(part->bytes);
    return part;
  }

  test::TempDir directory_;
  const std::string fifo_ = directory_ / "fifo";
  std::string bytes_;
  std::thread writer_;
};

TEST_F(StreamReadTest, TheLastPartIsKnownWhenItIsRead) {
  Stream stream(fifo_, 8);
  Write("12345678");
  auto part = Read(&stream, 4);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(bytes_, "1234");
  EXPECT_FALSE(part->last);
  part = Read(&stream, 4);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(bytes_, "5678");
  EXPECT_TRUE(part->last) << "a full part may be the last one";
}

TEST_F(StreamReadTest, AnEmptyStreamHasOneEmptyPart) {
  Stream stream(fifo_, std::nullopt);
  Write("");
  const auto part = Read(&stream, 4);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(part->bytes, 0u);
  EXPECT_TRUE(part->last);
}

TEST_F(StreamReadTest, AShorterStreamThanAnnouncedIsAnError) {
  Stream stream(fifo_, 5);
  Write("1234");
  const auto part = Read(&stream, 10);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, s3::ErrorKind::kChanged);
  EXPECT_THAT(part.error().message, HasSubstr("ended after 4 of 5 bytes"));
}

TEST_F(StreamReadTest, ALongerStreamThanAnnouncedIsAnErrorBeforeItsEnd) {
  Stream stream(fifo_, 4);
  Write("12345");
  const auto part = Read(&stream, 4);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, s3::ErrorKind::kChanged);
  EXPECT_THAT(part.error().message, HasSubstr("longer than 4 bytes"));
}

TEST_F(StreamReadTest, CancelEndsAReadThatWaitsForAWriter) {
  Stream stream(fifo_, std::nullopt);
  std::thread canceller([&] { stream.Cancel(); });
  EXPECT_EQ(Read(&stream, 4).error().kind, s3::ErrorKind::kCancelled);
  canceller.join();
  EXPECT_EQ(Read(&stream, 4).error().kind, s3::ErrorKind::kCancelled) << "and all later ones";
}

TEST_F(StreamReadTest, AMissingFileIsALocalError) {
  Stream stream(directory_ / "gone", std::nullopt);
  const auto part = Read(&stream, 4);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, s3::ErrorKind::kLocal);
  EXPECT_THAT(part.error().message, HasSubstr("No such file"));
}

}  // namespace stream_test
}  // namespace pipeline
