#include "pipeline/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
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

s3::Result<void> WriteFile(const std::string& path, const std::string& text, mode_t mode) {
  const auto temporary = path + ".new";
  unlink(temporary.c_str());  // one that a killed process left has the mode that it had
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return tl::unexpected(ErrnoError(path, errno));
  int error = WriteAll(fd, text);
  if (error == 0 && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return {};
  unlink(temporary.c_str());
  return tl::unexpected(ErrnoError(path, error));
}

}  // namespace pipeline
