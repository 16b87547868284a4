#include "pipeline/fs/io_retry.h"

namespace pipeline {
namespace {

// Returns how often a call is tried in total; 0 for errors that are final at once, such as a missing
// permission. EMFILE and ENFILE are not listed: they say nothing about the file, but about this process or
// machine.
int MaxTries(int error) {
  switch (error) {
    case EINTR:   // FUSE and NFS mounted with `intr`, where no handler restarts the call
    case EAGAIN:  // openat2(2): something was renamed at the same time
    case EBUSY:   // the file system is being mounted, or it is fetching the file from tape
    case ENOMEM:  // the kernel's memory, which it can free
    case ESTALE:  // NFS: the server has another file there now, which a new look-up finds
      return 5;
    // One more try: usually these are final, or the file system has tried for minutes already.
    case EIO:        // FUSE and Lustre, during the failover of a server
    case ETIMEDOUT:  // a soft mount
    case ENOENT:     // in the middle of a rename on the server, or from a stale cache of names
      return 2;
    default: return 0;
  }
}

}  // namespace

std::optional<std::chrono::milliseconds> IoRetryDelay(int error, int failed) {
  if (failed >= MaxTries(error)) return std::nullopt;
  return std::chrono::milliseconds(10 << (2 * (failed - 1)));  // 10, 40, 160, 640
}

}  // namespace pipeline
