#include "pipeline/fs/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "pipeline/fs/files.h"
#include "pipeline/fs/io_retry.h"

namespace pipeline {

const char* DirectoryReader::Next() {
  while (at_ < end_ || Fill()) {
    const auto* const entry = reinterpret_cast<const dirent64*>(buffer_.get() + at_);
    at_ += entry->d_reclen;
    type_ = entry->d_type;
    const char* const name = entry->d_name;
    if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) return name;
  }
  return nullptr;
}

bool DirectoryReader::Fill() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  const auto got = RetrySystemCall([this] { return getdents64(fd(), buffer_.get(), kBufferBytes); });
  error_ = got < 0 ? errno : 0;
  at_ = 0;
  end_ = got < 0 ? 0 : static_cast<std::size_t>(got);
  if (end_ == 0) buffer_.reset();
  return end_ > 0;
}

namespace {

// ELOOP: a link. ENXIO: a socket. EACCES: a file that also fails as an input.
bool SaysNoSuchFile(int error) {
  return error == ENOENT || error == ELOOP || error == ENXIO || error == EACCES;
}

}  // namespace

s3::Result<bool> HasFileThatBegins(int directory_fd, const char* name, std::string_view begin) {
  const auto open = [&] {
    return openat(directory_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
  };
  // The first try is not repeated for ENOENT, which is the usual case.
  s3::UniqueFd file(open());
  if (file.get() < 0 && !SaysNoSuchFile(errno)) {
    file = s3::UniqueFd(WithDescriptor([&] { return RetrySystemCall(open); }));
  }
  struct stat status;
  if (file.get() < 0) {
    if (SaysNoSuchFile(errno)) return false;
    return tl::unexpected(ErrnoError(name, errno));
  }
  if (fstat(file.get(), &status) != 0) return tl::unexpected(ErrnoError(name, errno));
  if (!S_ISREG(status.st_mode)) return false;
  std::string found(begin.size(), '\0');
  const auto got = RetrySystemCall([&] { return pread(file.get(), found.data(), found.size(), 0); });
  if (got < 0) return tl::unexpected(ErrnoError(name, errno));
  return got == static_cast<ssize_t>(found.size()) && found == begin;
}

}  // namespace pipeline
