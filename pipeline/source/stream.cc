#include "pipeline/source/stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "pipeline/fs/io_retry.h"

namespace pipeline {
namespace {

tl::unexpected<s3::Error> FailStream(int error) { return s3::Fail(s3::ErrorKind::kLocal, ErrnoText(error)); }

int NewEvent() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

Stream::Stream(std::string path, std::optional<std::uint64_t> size_bytes)
    : path_(std::move(path)), size_bytes_(size_bytes), cancel_event_(NewEvent()) {
  thread_ = std::thread([this] { Serve(); });
}

Stream::~Stream() {
  Cancel();
  {
    const s3::MutexLock lock(mutex_);
    quit_ = true;
    requested_.NotifyOne();
  }
  thread_.join();
  if (fd_ > STDIN_FILENO) close(fd_);
  close(cancel_event_);
}

void Stream::Cancel() {
  const std::uint64_t one = 1;
  // Nobody reads the event, so from now on every poll returns at once.
  [[maybe_unused]] const auto written = write(cancel_event_, &one, sizeof one);
}

s3::Result<StreamPart> Stream::Read(std::span<char> bytes, s3::Waiter* waiter) {
  s3::Result<StreamPart> result;
  waiter->Wait(s3::SlotState::kStream, [&](s3::Wake wake) {
    const s3::MutexLock lock(mutex_);
    request_ = Request{bytes, &result, wake};
    requested_.NotifyOne();
  });
  return result;
}

void Stream::Serve() {
  for (;;) {
    s3::MutexLock lock(mutex_);
    requested_.Wait(lock, [this]() S3_REQUIRES(mutex_) { return quit_ || request_; });
    if (quit_) return;
    const auto request = *std::exchange(request_, std::nullopt);
    lock.unlock();
    *request.result = Fill(request.bytes);
    request.wake();
  }
}

s3::Result<void> Stream::Open() {
  if (fd_ >= 0) return {};
  // Without O_NONBLOCK, open() would wait for a writer, and Cancel() could not end that wait.
  fd_ = path_ == "-" ? STDIN_FILENO : open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd_ < 0) return FailStream(errno);
  return {};
}

s3::Result<StreamPart> Stream::Fill(std::span<char> bytes) {
  if (auto opened = Open(); !opened) return tl::unexpected(opened.error());
  std::size_t filled = 0;
  if (ahead_ && !bytes.empty()) {
    bytes[filled++] = *ahead_;
    ahead_.reset();
  }
  bool ended = false;
  while (filled < bytes.size() && !ended) {
    const auto got = ReadSome(bytes.subspan(filled));
    if (!got) return tl::unexpected(got.error());
    filled += *got;
    ended = *got == 0;
  }
  if (!ended) {
    // `bytes` is full, so this part may be the last. Only one more read can tell.
    char next;
    const auto got = ReadSome({&next, 1});
    if (!got) return tl::unexpected(got.error());
    ended = *got == 0;
    if (!ended) ahead_ = next;
  }
  total_ += filled;
  if (const auto checked = CheckSize(ended); !checked) return tl::unexpected(checked.error());
  return StreamPart{filled, ended};
}

s3::Result<void> Stream::CheckSize(bool ended) const {
  if (!size_bytes_) return {};
  if (total_ + (ahead_ ? 1 : 0) > *size_bytes_) {
    return s3::Fail(s3::ErrorKind::kChanged,
                    fmt::format("the stream is longer than {} bytes (source[].size)", *size_bytes_));
  }
  if (ended && total_ < *size_bytes_) {
    return s3::Fail(
        s3::ErrorKind::kChanged,
        fmt::format("the stream ended after {} of {} bytes (source[].size)", total_, *size_bytes_));
  }
  return {};
}

s3::Result<std::size_t> Stream::ReadSome(std::span<char> bytes) {
  for (;;) {
    // Call poll first, because the descriptor of standard input is shared with other processes and stays
    // blocking. If no writer has opened the FIFO yet, poll waits, too (Linux, fs/pipe.c).
    std::array<pollfd, 2> polled{{{fd_, POLLIN, 0}, {cancel_event_, POLLIN, 0}}};
    if (poll(polled.data(), polled.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return FailStream(errno);
    }
    if (polled[1].revents != 0) {
      return s3::Fail(s3::ErrorKind::kCancelled, "the run was stopped while the stream was read");
    }
    const ssize_t got = read(fd_, bytes.data(), bytes.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR && errno != EAGAIN) return FailStream(errno);
  }
}

}  // namespace pipeline
