#include "pipeline/fs/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <string_view>

#include "s3/base/unique_fd.h"

namespace pipeline {
namespace {

// How often openat2(2) is tried. Its manual says that it may fail with EAGAIN while something in the tree is
// renamed.
constexpr int kMaxTries = 16;

}  // namespace

int OpenStepByStep(int directory, const char* relative, int flags) {
  std::string_view rest = relative;
  int at = directory;  // the directory that `rest` is relative to
  s3::UniqueFd opened(-1);
  for (;;) {
    const auto slash = rest.find('/');
    const std::string part(rest.substr(0, slash));
    if (part.empty() || part == "." || part == "..") {
      errno = EXDEV;
      return -1;
    }
    if (slash == std::string_view::npos) return openat(at, part.c_str(), flags | O_NOFOLLOW);
    const int next = openat(at, part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0) {
      if (errno == ENOTDIR) errno = ELOOP;  // O_DIRECTORY makes a link fail with ENOTDIR
      return -1;
    }
    opened = s3::UniqueFd(next);
    at = next;
    rest.remove_prefix(slash + 1);
  }
}

int OpenBeneath(int directory, const char* relative, int flags) {
  static std::atomic<bool> has_openat2 = true;
  if (!has_openat2.load(std::memory_order_relaxed)) return OpenStepByStep(directory, relative, flags);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto fd = syscall(SYS_openat2, directory, relative, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EAGAIN) break;
  }
  const int refusal = errno;
  if (refusal != ENOSYS && refusal != EPERM && refusal != EAGAIN) return -1;
  // O_NOATIME may also cause EPERM. Then OpenStepByStep() fails with EPERM, too, and openat2 stays in use.
  const int fd = OpenStepByStep(directory, relative, flags);
  if (refusal == ENOSYS || (refusal == EPERM && fd >= 0)) has_openat2.store(false, std::memory_order_relaxed);
  return fd;
}

}  // namespace pipeline
