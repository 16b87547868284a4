#include "pipeline/fs/directory.h"

#include <dirent.h>

#include <cerrno>
#include <cstring>

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

}  // namespace pipeline
