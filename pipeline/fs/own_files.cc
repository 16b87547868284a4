#include "pipeline/fs/own_files.h"

#include <algorithm>

#include "pipeline/fs/directory.h"
#include "pipeline/fs/zstd_file.h"

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

s3::Result<bool> IsRunDirectory(int directory_fd) {
  auto has_plain = HasFileThatBegins(directory_fd, "journal.jsonl", R"({"record":"run",)");
  if (!has_plain || *has_plain) return has_plain;
  return HasFileThatBegins(directory_fd, "journal.jsonl.zst", kZstdHead);
}

}  // namespace pipeline
