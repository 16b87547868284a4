#include "pipeline/fs/io_retry.h"

#include <cstring>

namespace pipeline {
namespace {

// Returns how often a call is tried in total. Returns 0 if the error is final at once, such as a missing
// permission. EMFILE and ENFILE are not listed, because they are not about the file but about this process or
// machine.
int MaxTries(int error) {
  switch (error) {
    case EINTR:   // a signal interrupted FUSE, or NFS mounted with `intr`, and nothing restarts the call
    case EAGAIN:  // openat2(2): something was renamed at the same time
    case EBUSY:   // the file system is being mounted, or it is fetching the file from tape
    case ENOMEM:  // the kernel lacks memory, but may free some
    case ESTALE:  // NFS: the server has replaced the file; a new look-up finds the new one
      return 5;
    // These errors get one more try only: usually they are final, or the file system has already tried for
    // minutes.
    case EIO:        // FUSE and Lustre, while a server fails over to another one
    case ETIMEDOUT:  // a soft mount, whose server does not respond
    case ENOENT:     // during a rename on the server, or because of a stale cache of names
      return 2;
    default: return 0;
  }
}

}  // namespace

std::string ErrnoText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

std::optional<std::chrono::milliseconds> IoRetryDelay(int error, int failed) {
  if (failed >= MaxTries(error)) return std::nullopt;
  return std::chrono::milliseconds(10 << (2 * (failed - 1)));  // 10, 40, 160 and 640 ms
}

}  // namespace pipeline
