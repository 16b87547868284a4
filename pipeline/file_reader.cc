#include "pipeline/file_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pipeline {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

tl::unexpected<s3::Error> FailErrno(int error) {
  char buffer[128];
  return s3::Fail(s3::ErrorKind::kLocal, strerror_r(error, buffer, sizeof buffer));
}

bool SameTime(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// ctime too: a rewrite in place that restores mtime still moves it.
bool SameVersion(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         SameTime(a.st_mtim, b.st_mtim) && SameTime(a.st_ctim, b.st_ctim);
}

// Reads until the end of the file or until `size` bytes are there.
s3::Result<std::size_t> ReadUpTo(int fd, char* data, std::size_t size) {
  std::size_t total = 0;
  while (total < size) {
    const ssize_t got = pread(fd, data + total, size - total, static_cast<off_t>(total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(errno);
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
  }
  return total;
}

}  // namespace

s3::Result<FileBytes> ReadFile(const InputFile& file) {
  // O_NONBLOCK keeps an open of what has become a FIFO from waiting for its writer.
  const int nofollow = file.follow_symlink ? 0 : O_NOFOLLOW;
  const Fd fd(open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | nofollow));
  if (fd.get() < 0) return FailErrno(errno);
  struct stat before, after;
  if (fstat(fd.get(), &before) != 0) return FailErrno(errno);
  if (!S_ISREG(before.st_mode)) {
    return s3::Fail(s3::ErrorKind::kChanged, "is no regular file any more");
  }
  const auto size = static_cast<std::uint64_t>(before.st_size);
  if (size > kMaxPutBytes) {
    return s3::Fail(s3::ErrorKind::kUnsupported,
                    fmt::format("has {} bytes: one PutObject takes at most 5 GiB", size));
  }
  // One byte more than the size: a file that grows, or that lies about its size as those of /proc
  // do, shows itself.
  FileBytes bytes{std::make_unique_for_overwrite<char[]>(size + 1), 0};
  const auto got = ReadUpTo(fd.get(), bytes.data.get(), size + 1);
  if (!got) return tl::unexpected(got.error());
  if (fstat(fd.get(), &after) != 0) return FailErrno(errno);
  if (*got != size || !SameVersion(before, after)) {
    return s3::Fail(s3::ErrorKind::kChanged,
                    fmt::format("changed while it was read: {} bytes expected, {} found", size, *got));
  }
  bytes.size_bytes = *got;
  return bytes;
}

}  // namespace pipeline
