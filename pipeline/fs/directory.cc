#include "pipeline/fs/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

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

bool HasFileThatBegins(int directory_fd, const char* name, std::string_view begin) {
  const s3::UniqueFd file(
      openat(directory_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  std::string found(begin.size(), '\0');
  ssize_t got;
  do got = pread(file.get(), found.data(), found.size(), 0);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(found.size()) && found == begin;
}

}  // namespace pipeline
