#include "pipeline/fs/own_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "s3/base/unique_fd.h"

namespace pipeline {

void OwnFiles::Add(const std::string& path) {
  struct stat status;
  // Some file systems give all their files the inode number 0, which identifies no file.
  const bool found = !path.empty() && stat(path.c_str(), &status) == 0 && status.st_ino != 0;
  if (found) files_.emplace_back(status.st_dev, status.st_ino);
}

bool OwnFiles::Contains(const struct stat& status) const {
  return std::find(files_.begin(), files_.end(), std::pair(status.st_dev, status.st_ino)) != files_.end();
}

bool IsRunDirectory(int directory_fd) {
  constexpr std::string_view kBegin = R"({"record":"run",)";
  const s3::UniqueFd journal(
      openat(directory_fd, "journal.jsonl", O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
  struct stat status;
  if (journal.get() < 0 || fstat(journal.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  std::array<char, kBegin.size()> begin;
  ssize_t got;
  do got = pread(journal.get(), begin.data(), begin.size(), 0);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(begin.size()) && std::string_view(begin.data(), begin.size()) == kBegin;
}

}  // namespace pipeline
