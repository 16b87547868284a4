#include "pipeline/open_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "pipeline/beneath.h"

namespace pipeline {
namespace {

tl::unexpected<s3::Error> FailErrno(int error) {
  char buffer[128];
  return s3::Fail(s3::ErrorKind::kLocal, strerror_r(error, buffer, sizeof buffer));
}

bool SameTime(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

s3::Result<void> EndsAt(std::uint64_t offset) {
  return s3::Fail(s3::ErrorKind::kChanged,
                  fmt::format("changed while it was read: it ends at byte {}", offset));
}

// ctime too: a rewrite in place that restores mtime still moves it.
bool SameVersion(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         SameTime(a.st_mtim, b.st_mtim) && SameTime(a.st_ctim, b.st_ctim);
}

int OpenFlags(const InputFile& file) {
  // O_NONBLOCK keeps an open of what has become a FIFO from waiting for its writer.
  return O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
         (file.reading.page_cache == PageCache::kBypass ? O_DIRECT : 0);
}

// The path without what stands below the root. The root itself may be a symbolic link.
int OpenRoot(const InputFile& file) {
  const auto relative = file.relative();
  if (relative.empty() || !file.path.ends_with(relative)) {
    errno = EXDEV;  // a manifest that is none of ours
    return -1;
  }
  const auto root = file.path.substr(0, file.path.size() - relative.size());
  return open(root.empty() ? "." : root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

// As open(2).
int OpenWith(const InputFile& file, int flags) {
  if (file.follow_symlink) return open(file.path.c_str(), flags);
  const char* const relative = file.key.c_str() + file.relative_at;
  if (file.root) return OpenBeneath(file.root->get(), relative, flags);
  const s3::Descriptor root(OpenRoot(file));
  return root.get() < 0 ? -1 : OpenBeneath(root.get(), relative, flags);
}

int OpenAsTold(const InputFile& file) {
  const int flags = OpenFlags(file);
  const int fd = OpenWith(file, flags | (file.reading.keep_atime ? O_NOATIME : 0));
  if (fd < 0 && errno == EPERM && file.reading.keep_atime) return OpenWith(file, flags);
  return fd;
}

// The most that O_DIRECT asks for on Linux: offsets, lengths and addresses are multiples of the device's
// blocks.
constexpr std::size_t kBlock = 4096;
constexpr std::size_t kLargestDirectRead = 4 << 20;

}  // namespace

std::int64_t MtimeNs(const struct stat& status) {
  return static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

s3::Result<OpenFile> OpenFile::Open(const InputFile& file) {
  OpenFile opened;
  opened.fd_ = OpenAsTold(file);
  opened.page_cache_ = file.reading.page_cache;
  if (opened.fd_ < 0 && errno == EINVAL && file.reading.page_cache == PageCache::kBypass) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    "this file system knows no O_DIRECT (source[].page_cache: bypass)");
  }
  if (opened.fd_ < 0 && errno == ENOENT && file.planned) {
    return s3::Fail(s3::ErrorKind::kChanged, "vanished since it was planned");
  }
  if (opened.fd_ < 0 && !file.follow_symlink && (errno == ELOOP || errno == EXDEV)) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    "a part of its path has become a symbolic link, which is not followed (source[]."
                    "follow_symlinks is false)");
  }
  if (opened.fd_ < 0 && (errno == EMFILE || errno == ENFILE)) {
    auto lacking = FailErrno(errno);
    lacking.value().code = kNoDescriptor;
    return lacking;
  }
  if (opened.fd_ < 0) return FailErrno(errno);
  if (fstat(opened.fd_, &opened.status_) != 0) return FailErrno(errno);
  if (!S_ISREG(opened.status_.st_mode)) {
    return s3::Fail(s3::ErrorKind::kChanged, "is no regular file any more");
  }
  if (static_cast<std::uint64_t>(opened.status_.st_size) != file.size_bytes) {
    return s3::Fail(s3::ErrorKind::kChanged,
                    fmt::format("changed since it was {}: it had {} bytes and has {}",
                                file.planned ? "planned" : "found", file.size_bytes, opened.status_.st_size));
  }
  if (file.planned && MtimeNs(opened.status_) != file.mtime_ns) {
    return s3::Fail(s3::ErrorKind::kChanged, "changed since it was planned: its mtime is another");
  }
  return opened;
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), page_cache_(other.page_cache_), status_(other.status_) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(page_cache_, other.page_cache_);
  std::swap(status_, other.status_);
  return *this;
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) close(fd_);
}

std::size_t OpenFile::read_bytes(std::size_t cached) const {
  if (page_cache_ != PageCache::kBypass) return cached;
  const auto preferred = static_cast<std::size_t>(std::max<blksize_t>(status_.st_blksize, 0));
  return std::clamp(preferred / kBlock * kBlock, std::size_t{1} << 20, kLargestDirectRead);
}

s3::Result<void> OpenFile::Read(std::uint64_t offset, std::span<char> bytes) const {
  if (page_cache_ == PageCache::kBypass) return ReadDirect(offset, bytes);
  auto read = ReadBlock(offset, bytes);
  // Whole pages only; the rest goes with the next read. Advice: what it cannot do, it leaves.
  if (page_cache_ == PageCache::kDrop) {
    posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes.size()), POSIX_FADV_DONTNEED);
  }
  return read;
}

bool OpenFile::Announce(std::uint64_t offset, std::uint64_t bytes) const {
  if (page_cache_ == PageCache::kBypass) return false;
  // Of one call Linux takes no more than its read-ahead, 128 KiB unless it is told otherwise. What is not
  // longer is read as fast as it is announced.
  constexpr off_t kReadAhead = 128 << 10;
  if (bytes <= kReadAhead) return true;
  char last;
  const iovec room{&last, 1};
  const auto end = static_cast<off_t>(offset + bytes);
  if (preadv2(fd_, &room, 1, end - 1, RWF_NOWAIT) == 1) return true;  // they are there
  for (auto at = static_cast<off_t>(offset); at < end; at += kReadAhead) {
    posix_fadvise(fd_, at, std::min(kReadAhead, end - at), POSIX_FADV_WILLNEED);
  }
  return true;
}

// In place what is aligned; by way of a block what is not, as the end of a file.
s3::Result<void> OpenFile::ReadDirect(std::uint64_t offset, std::span<char> bytes) const {
  alignas(kBlock) char block[kBlock];
  while (!bytes.empty()) {
    const auto before = offset % kBlock;
    const bool aligned = before == 0 && reinterpret_cast<std::uintptr_t>(bytes.data()) % kBlock == 0;
    std::size_t count = aligned ? bytes.size() / kBlock * kBlock : 0;
    if (count > 0) {
      if (auto read = ReadBlock(offset, bytes.first(count)); !read) return read;
    } else {
      ssize_t got;
      do {
        got = pread(fd_, block, kBlock, static_cast<off_t>(offset - before));
      } while (got < 0 && errno == EINTR);
      if (got < 0) return FailErrno(errno);
      if (static_cast<std::size_t>(got) <= before) return EndsAt(offset);
      count = std::min(static_cast<std::size_t>(got) - before, bytes.size());
      std::memcpy(bytes.data(), block + before, count);
    }
    offset += count;
    bytes = bytes.subspan(count);
  }
  return {};
}

s3::Result<void> OpenFile::ReadBlock(std::uint64_t offset, std::span<char> bytes) const {
  std::size_t total = 0;
  while (total < bytes.size()) {
    const ssize_t got =
        pread(fd_, bytes.data() + total, bytes.size() - total, static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(errno);
    if (got == 0) {
      return EndsAt(offset + total);
    }
    total += static_cast<std::size_t>(got);
  }
  return {};
}

s3::Result<void> OpenFile::CheckUnchanged() const {
  struct stat now;
  if (fstat(fd_, &now) != 0) return FailErrno(errno);
  if (!SameVersion(status_, now)) {
    return s3::Fail(s3::ErrorKind::kChanged,
                    fmt::format("changed while it was read: it had {} bytes and has {}, or its times moved",
                                status_.st_size, now.st_size));
  }
  char byte;
  if (status_.st_size == 0 && pread(fd_, &byte, 1, 0) > 0) {
    return s3::Fail(s3::ErrorKind::kChanged, "says to be empty and has content");
  }
  return {};
}

std::chrono::milliseconds OpenFile::Settling() const {
  using std::chrono::milliseconds;
  // Linux stamps with the time of the last timer tick: 10 ms at CONFIG_HZ=100, the coarsest.
  constexpr milliseconds kTick{10};
  timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  const auto age_ns = (static_cast<std::int64_t>(now.tv_sec) - status_.st_ctim.tv_sec) * 1'000'000'000 +
                      (now.tv_nsec - status_.st_ctim.tv_nsec);
  const bool settled = age_ns < -1'000'000'000 || age_ns > milliseconds(2 * kTick).count() * 1'000'000;
  return settled ? milliseconds(0) : 2 * kTick;
}

std::uint64_t SizeNow(const InputFile& file) {
  struct stat now;
  const s3::Descriptor found(OpenWith(file, O_PATH | O_CLOEXEC));
  const bool known = found.get() >= 0 && fstat(found.get(), &now) == 0 && S_ISREG(now.st_mode);
  return known ? static_cast<std::uint64_t>(now.st_size) : 0;
}

}  // namespace pipeline
