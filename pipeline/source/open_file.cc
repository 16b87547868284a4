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
  char buffer[128];
  auto failed = s3::Fail(s3::ErrorKind::kLocal, strerror_r(error, buffer, sizeof buffer));
  failed.value().system_error = error;
  return failed;
}

// Makes an error of a call on an open descriptor. ESTALE means that the opened file is gone and that its path
// may lead to another version: the object begins again.
tl::unexpected<s3::Error> FailOpened(int error) {
  auto failed = FailErrno(error);
  if (error == ESTALE) failed.value().kind = s3::ErrorKind::kChanged;
  return failed;
}

bool SameTime(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

s3::Result<void> EndsAt(std::uint64_t offset) {
  return s3::Fail(s3::ErrorKind::kChanged,
                  fmt::format("changed while it was read: it ends at byte {}", offset));
}

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && SameTime(a.st_ctim, b.st_ctim);
}

// Linux stamps with the time of the last timer tick: 10 ms at CONFIG_HZ=100, the coarsest.
constexpr std::chrono::milliseconds kTick{10};

// False for times that are still to come, unless by less than a second.
bool IsYoung(const timespec& time) {
  timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  const double age_s = static_cast<double>(now.tv_sec) - static_cast<double>(time.tv_sec) +
                       static_cast<double>(now.tv_nsec - time.tv_nsec) / 1e9;
  return age_s >= -1 && age_s <= std::chrono::duration<double>(2 * kTick).count();
}

int OpenFlags(const InputFile& file) {
  // O_NONBLOCK keeps an open of what has become a FIFO from waiting for its writer.
  return O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
         (file.reading.page_cache == PageCache::kBypass ? O_DIRECT : 0);
}

// As open(2).
int OpenWith(const InputFile& file, int flags) {
  if (file.follow_symlink) return open(file.path.c_str(), flags);
  const char* const relative = file.key.c_str() + file.relative_at;
  if (file.root) {
    const int fd = OpenBeneath(file.root->get(), relative, flags);
    if (fd >= 0 || errno != ESTALE) return fd;  // else its server knows the root's directory no more
  }
  const auto root = OpenRoot(file);
  return root == nullptr ? -1 : OpenBeneath(root->get(), relative, flags);
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

std::optional<std::string> RootOf(const InputFile& file) {
  const auto relative = file.relative();
  if (relative.empty() || !file.path.ends_with(relative)) return std::nullopt;
  auto root = file.path.substr(0, file.path.size() - relative.size());
  return root.empty() ? "." : std::move(root);
}

std::shared_ptr<const s3::UniqueFd> OpenRoot(const InputFile& file) {
  const auto path = RootOf(file);
  errno = EXDEV;  // s3flow did not write this manifest
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
  opened.fd_ = OpenAsTold(file);
  const int error = opened.fd_ < 0 ? errno : 0;
  opened.page_cache_ = file.reading.page_cache;
  opened.change_check_ = file.reading.change_check;
  if (error == EINVAL && file.reading.page_cache == PageCache::kBypass) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    "this file system knows no O_DIRECT (source[].page_cache: bypass)");
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
    : fd_(std::exchange(other.fd_, -1)),
      page_cache_(other.page_cache_),
      change_check_(other.change_check_),
      is_restless_(other.is_restless_),
      status_(other.status_) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(page_cache_, other.page_cache_);
  std::swap(change_check_, other.change_check_);
  std::swap(is_restless_, other.is_restless_);
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

// In place what is aligned; by way of a block what is not, as the end of a file or what follows a short read.
s3::Result<void> OpenFile::ReadDirect(std::uint64_t offset, std::span<char> bytes) const {
  alignas(kBlock) char block[kBlock];
  while (!bytes.empty()) {
    const auto before = offset % kBlock;
    const bool aligned = before == 0 && reinterpret_cast<std::uintptr_t>(bytes.data()) % kBlock == 0;
    const bool in_place = aligned && bytes.size() >= kBlock;
    const auto room = in_place ? bytes.first(bytes.size() / kBlock * kBlock) : std::span<char>(block);
    const auto got = ReadSome(offset - before, room);
    if (!got) return tl::unexpected(got.error());
    if (*got <= before) return EndsAt(offset);
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
    if (*got == 0) return EndsAt(offset);
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
    return s3::Fail(s3::ErrorKind::kChanged, "says to be empty and has content");
  }
  if (change_check_ == ChangeCheck::kNone) return false;
  if (status_.st_size != now.st_size) {
    return s3::Fail(
        s3::ErrorKind::kChanged,
        fmt::format("changed while it was read: it had {} bytes and has {}", status_.st_size, now.st_size));
  }
  if (!SameTime(status_.st_mtim, now.st_mtim)) {
    return s3::Fail(s3::ErrorKind::kChanged, "changed while it was read: its mtime moved");
  }
  if (change_check_ == ChangeCheck::kTimes || status_.st_size == 0) return false;
  return is_restless_ || !SameFile(status_, now);
}

std::chrono::milliseconds OpenFile::Settling() const {
  const auto& stamp = change_check_ == ChangeCheck::kContent ? status_.st_ctim : status_.st_mtim;
  const bool waits = change_check_ != ChangeCheck::kNone && IsYoung(stamp);
  return waits ? 2 * kTick : std::chrono::milliseconds(0);
}

s3::Result<void> OpenFile::Settle() {
  struct stat now;
  if (fstat(fd_, &now) != 0) return FailOpened(errno);
  if (auto moved = Compare(now); !moved) return tl::unexpected(std::move(moved.error()));
  status_ = now;
  is_restless_ = IsYoung(now.st_ctim);
  return {};
}

std::uint64_t SizeNow(const InputFile& file) {
  struct stat now;
  const s3::UniqueFd found(RetrySystemCall([&file] { return OpenWith(file, O_PATH | O_CLOEXEC); }));
  const bool known = found.get() >= 0 && fstat(found.get(), &now) == 0 && S_ISREG(now.st_mode);
  return known ? static_cast<std::uint64_t>(now.st_size) : 0;
}

}  // namespace pipeline
