#include "pipeline/fs/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pipeline {

s3::Error ErrnoError(const std::string& path, int error) {
  char buffer[128];
  return {.kind = s3::ErrorKind::kLocal,
          .message = fmt::format("{}: {}", path, strerror_r(error, buffer, sizeof buffer))};
}

int WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

s3::Result<std::size_t> ReadSome(int fd, std::span<char> bytes, const std::string& path) {
  ssize_t got = 0;
  do {
    got = read(fd, bytes.data(), bytes.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return tl::unexpected(ErrnoError(path, errno));
  return static_cast<std::size_t>(got);
}

int SyncDirectory(int fd) { return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno; }

}  // namespace pipeline
