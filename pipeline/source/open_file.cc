#include "pipeline/source/open_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "pipeline/fs/beneath.h"
#include "pipeline/fs/io_retry.h"

namespace pipeline {
namespace {

tl::unexpected<s3::Error> FailErrno(int error) {
  auto failed = s3::Fail(s3::ErrorKind::kLocal, ErrnoText(error));
  failed.value().system_error = error;
  return failed;
}

// Makes the error for a failed call on an open descriptor. ESTALE says that the opened file is gone from its
// server. Its path may lead to another version, so the error is kChanged, and the upload starts over.
tl::unexpected<s3::Error> FailOpened(int error) {
  auto failed = FailErrno(error);
  if (error == ESTALE) failed.value().kind = s3::ErrorKind::kChanged;
  return failed;
}

bool SameTime(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

s3::Result<void> FailEndsAt(std::uint64_t offset) {
  return s3::Fail(s3::ErrorKind::kChanged,
                  fmt::format("changed while it was read: it ends at byte {}", offset));
}

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && SameTime(a.st_ctim, b.st_ctim);
}

// Linux uses the time of the last timer tick for timestamps. Ticks are at most 10 ms apart (CONFIG_HZ=100).
constexpr std::chrono::milliseconds kTick{10};

// Returns true if `time` is so recent that a further change may leave the same time. Also returns true for
// times less than a second in the future, because clocks of file servers differ a little.
bool IsYoung(const timespec& time) {
  timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  const double age_s = static_cast<double>(now.tv_sec) - static_cast<double>(time.tv_sec) +
                       static_cast<double>(now.tv_nsec - time.tv_nsec) / 1e9;
  return age_s >= -1 && age_s <= std::chrono::duration<double>(2 * kTick).count();
}

int OpenFlags(const InputFile& file) {
  // With O_NONBLOCK, opening a path that became a FIFO does not wait for a writer.
  return O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
         (file.reading.page_cache == PageCache::kBypass ? O_DIRECT : 0);
}

// Returns a descriptor, or -1 with errno, like open(2).
int OpenWith(const InputFile& file, int flags) {
  if (file.follow_symlink) return open(file.path.c_str(), flags);
  const char* const relative = file.key.c_str() + file.relative_at;
  if (file.root) {
    const int fd = OpenBeneath(file.root->get(), relative, flags);
    if (fd >= 0 || errno != ESTALE) return fd;  // ESTALE: the root is stale; try its path
  }
  const auto root = OpenRoot(file);
  return root == nullptr ? -1 : OpenBeneath(root->get(), relative, flags);
}

int OpenForReading(const InputFile& file) {
  const int flags = OpenFlags(file);
  if (!file.reading.keep_atime) return OpenWith(file, flags);
  const int fd = OpenWith(file, flags | O_NOATIME);
  const bool owned_by_another = fd < 0 && errno == EPERM;
  return owned_by_another ? OpenWith(file, flags) : fd;
}

// The largest alignment that O_DIRECT needs on Linux: offsets, lengths and addresses must be multiples of the
// device's block size.
constexpr std::size_t kBlock = 4096;
constexpr std::size_t kLargestDirectRead = 4 << 20;

}  // namespace

std::optional<std::string> RootOf(const InputFile& file) {
  const auto relative = file.relative();
  if (relative.empty() || !file.path.ends_with(relative)) return std::nullopt;
  auto root = file.path.substr(0, file.path.size() - relative.size());
  return root.empty() ? "." : std::move(root);
}

std::shared_ptr<const s3::UniqueFd> OpenRoot(const InputFile& file) {
  const auto path = RootOf(file);
  // Report EXDEV if there is no root path because the file's path does not end like its key. s3flow writes no
  // manifest with such a file.
  errno = EXDEV;
  s3::UniqueFd root(path ? open(path->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1);
  return root.get() < 0 ? nullptr : std::make_shared<const s3::UniqueFd>(std::move(root));
}

std::int64_t MtimeNs(const struct stat& status) {
  const auto seconds = static_cast<std::uint64_t>(status.st_mtim.tv_sec);
  return static_cast<std::int64_t>(seconds * 1'000'000'000 +
                                   static_cast<std::uint64_t>(status.st_mtim.tv_nsec));
}

s3::Result<OpenFile> OpenFile::Open(const InputFile& file) {
  OpenFile opened;
  opened.fd_ = OpenForReading(file);
  const int error = opened.fd_ < 0 ? errno : 0;
  opened.page_cache_ = file.reading.page_cache;
  opened.change_check_ = file.reading.change_check;
  if (error == EINVAL && file.reading.page_cache == PageCache::kBypass) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    "this file system does not support O_DIRECT (source[].page_cache: bypass)");
  }
  if (error == ENOENT && file.planned) {
    return tl::unexpected(s3::Error{
        .kind = s3::ErrorKind::kChanged, .message = "vanished since it was planned", .system_error = error});
  }
  if (!file.follow_symlink && (error == ELOOP || error == EXDEV)) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    "a part of its path has become a symbolic link, which is not followed (source[]."
                    "follow_symlinks is false)");
  }
  if (error == EMFILE || error == ENFILE) {
    auto lacking = FailErrno(error);
    lacking.value().code = kNoDescriptor;
    return lacking;
  }
  if (error != 0) return FailErrno(error);
  if (fstat(opened.fd_, &opened.status_) != 0) return FailErrno(errno);
  if (!S_ISREG(opened.status_.st_mode)) {
    return s3::Fail(s3::ErrorKind::kChanged, "is not a regular file any more");
  }
  if (static_cast<std::uint64_t>(opened.status_.st_size) != file.size_bytes) {
    return s3::Fail(s3::ErrorKind::kChanged,
                    fmt::format("changed since it was {}: it had {} bytes and has {}",
                                file.planned ? "planned" : "found", file.size_bytes, opened.status_.st_size));
  }
  if (file.planned && MtimeNs(opened.status_) != file.mtime_ns) {
    return s3::Fail(s3::ErrorKind::kChanged, "changed since it was planned: its mtime differs");
  }
  return opened;
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      page_cache_(other.page_cache_),
      change_check_(other.change_check_),
      ctime_is_young_(other.ctime_is_young_),
      status_(other.status_) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(page_cache_, other.page_cache_);
  std::swap(change_check_, other.change_check_);
  std::swap(ctime_is_young_, other.ctime_is_young_);
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
  // Drops only whole pages; the next read drops the last page. Ignores errors, because this is only advice.
  if (page_cache_ == PageCache::kDrop) {
    posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes.size()), POSIX_FADV_DONTNEED);
  }
  return read;
}

bool OpenFile::Prefetch(std::uint64_t offset, std::uint64_t bytes) const {
  if (page_cache_ == PageCache::kBypass) return false;
  // One call of posix_fadvise fetches at most the kernel's read-ahead, by default 128 KiB. Fewer bytes are
  // not worth the call, because reading them takes no longer.
  constexpr off_t kReadAhead = 128 << 10;
  if (bytes <= kReadAhead) return true;
  char last_byte;
  const iovec room{&last_byte, 1};
  const auto end = static_cast<off_t>(offset + bytes);
  if (preadv2(fd_, &room, 1, end - 1, RWF_NOWAIT) == 1) return true;  // in the page cache already
  for (auto at = static_cast<off_t>(offset); at < end; at += kReadAhead) {
    posix_fadvise(fd_, at, std::min(kReadAhead, end - at), POSIX_FADV_WILLNEED);
  }
  return true;
}

// Reads aligned pieces into `bytes`. Copies other pieces through `block`: the end of a file, and the bytes
// after a short read.
s3::Result<void> OpenFile::ReadDirect(std::uint64_t offset, std::span<char> bytes) const {
  alignas(kBlock) char block[kBlock];
  while (!bytes.empty()) {
    const auto before = offset % kBlock;
    const bool aligned = before == 0 && reinterpret_cast<std::uintptr_t>(bytes.data()) % kBlock == 0;
    const bool in_place = aligned && bytes.size() >= kBlock;
    const auto room = in_place ? bytes.first(bytes.size() / kBlock * kBlock) : std::span<char>(block);
    const auto got = ReadSome(offset - before, room);
    if (!got) return tl::unexpected(got.error());
    if (*got <= before) return FailEndsAt(offset);
    const auto count = std::min(*got - before, bytes.size());
    if (!in_place) std::memcpy(bytes.data(), block + before, count);
    offset += count;
    bytes = bytes.subspan(count);
  }
  return {};
}

s3::Result<void> OpenFile::ReadBlock(std::uint64_t offset, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const auto got = ReadSome(offset, bytes);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return FailEndsAt(offset);
    offset += *got;
    bytes = bytes.subspan(*got);
  }
  return {};
}

s3::Result<std::size_t> OpenFile::ReadSome(std::uint64_t offset, std::span<char> bytes) const {
  ssize_t got;
  do got = pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  while (got < 0 && errno == EINTR);
  if (got < 0) return FailOpened(errno);
  return static_cast<std::size_t>(got);
}

s3::Result<bool> OpenFile::MayHaveChanged() const {
  struct stat now;
  if (fstat(fd_, &now) != 0) return FailOpened(errno);
  return Compare(now);
}

s3::Result<bool> OpenFile::Compare(const struct stat& now) const {
  char byte;
  if (status_.st_size == 0 && pread(fd_, &byte, 1, 0) > 0) {
    return s3::Fail(s3::ErrorKind::kChanged, "has content although its size is 0");
  }
  if (change_check_ == ChangeCheck::kNone) return false;
  if (status_.st_size != now.st_size) {
    return s3::Fail(
        s3::ErrorKind::kChanged,
        fmt::format("changed while it was read: it had {} bytes and has {}", status_.st_size, now.st_size));
  }
  if (!SameTime(status_.st_mtim, now.st_mtim)) {
    return s3::Fail(s3::ErrorKind::kChanged, "changed while it was read: its mtime differs");
  }
  if (change_check_ == ChangeCheck::kTimes || status_.st_size == 0) return false;
  return ctime_is_young_ || !SameFile(status_, now);
}

std::chrono::milliseconds OpenFile::TimestampWait() const {
  const auto& stamp = change_check_ == ChangeCheck::kContent ? status_.st_ctim : status_.st_mtim;
  const bool waits = change_check_ != ChangeCheck::kNone && IsYoung(stamp);
  return waits ? 2 * kTick : std::chrono::milliseconds(0);
}

s3::Result<void> OpenFile::RefreshStatus() {
  struct stat now;
  if (fstat(fd_, &now) != 0) return FailOpened(errno);
  if (auto moved = Compare(now); !moved) return tl::unexpected(std::move(moved.error()));
  status_ = now;
  ctime_is_young_ = IsYoung(now.st_ctim);
  return {};
}

std::uint64_t CurrentSize(const InputFile& file) {
  if (file.is_buffer()) return file.size_bytes;
  struct stat now;
  const s3::UniqueFd found(RetrySystemCall([&file] { return OpenWith(file, O_PATH | O_CLOEXEC); }));
  const bool known = found.get() >= 0 && fstat(found.get(), &now) == 0 && S_ISREG(now.st_mode);
  return known ? static_cast<std::uint64_t>(now.st_size) : 0;
}

}  // namespace pipeline
