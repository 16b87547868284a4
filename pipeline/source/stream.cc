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

namespace pipeline {
namespace {

tl::unexpected<s3::Error> FailStreamErrno(int error) {
  char buffer[128];
  return s3::Fail(s3::ErrorKind::kLocal, strerror_r(error, buffer, sizeof buffer));
}

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
    std::lock_guard lock(mutex_);
    quit_ = true;
    requested_.notify_one();
  }
  thread_.join();
  if (fd_ > STDIN_FILENO) close(fd_);
  close(cancel_event_);
}

void Stream::Cancel() {
  const std::uint64_t one = 1;
  // Never read again: from now on every poll returns at once.
  [[maybe_unused]] const auto written = write(cancel_event_, &one, sizeof one);
}

s3::Result<StreamPart> Stream::Read(std::span<char> bytes, s3::Waiter* waiter) {
  s3::Result<StreamPart> answer;
  waiter->Wait([&](s3::Wake wake) {
    std::lock_guard lock(mutex_);
    request_ = bytes;
    answer_ = &answer;
    wake_ = wake;
    requested_.notify_one();
  });
  return answer;
}

void Stream::Serve() {
  for (;;) {
    std::unique_lock lock(mutex_);
    requested_.wait(lock, [this] { return quit_ || request_; });
    if (quit_) return;
    const auto bytes = *request_;
    request_.reset();
    auto* const answer = answer_;
    const auto wake = wake_;
    lock.unlock();
    *answer = Fill(bytes);
    wake();
  }
}

s3::Result<void> Stream::Open() {
  if (fd_ >= 0) return {};
  // Without O_NONBLOCK the open itself would wait for a writer, and nothing could end that.
  fd_ = path_ == "-" ? STDIN_FILENO : open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd_ < 0) return FailStreamErrno(errno);
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
    // A part that is full may be the last: only the next byte, or the end, can tell.
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
  if (!size_bytes_ || total_ + (ahead_ ? 1 : 0) <= *size_bytes_) {
    if (!ended || !size_bytes_ || total_ == *size_bytes_) return {};
  }
  return s3::Fail(s3::ErrorKind::kChanged,
                  ended ? fmt::format("the stream ended after {} of {} bytes", total_, *size_bytes_)
                        : fmt::format("the stream goes on after its {} bytes", *size_bytes_));
}

s3::Result<std::size_t> Stream::ReadSome(std::span<char> bytes) {
  for (;;) {
    // poll first: standard input is shared with other processes and stays a blocking descriptor. A
    // FIFO that no writer has opened yet is not at its end but silent (Linux, fs/pipe.c).
    std::array<pollfd, 2> polled{{{fd_, POLLIN, 0}, {cancel_event_, POLLIN, 0}}};
    if (poll(polled.data(), polled.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return FailStreamErrno(errno);
    }
    if (polled[1].revents != 0) {
      return s3::Fail(s3::ErrorKind::kCancelled, "the run was stopped while the stream was read");
    }
    const ssize_t got = read(fd_, bytes.data(), bytes.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR && errno != EAGAIN) return FailStreamErrno(errno);
  }
}

}  // namespace pipeline
