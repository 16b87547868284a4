#include "pipeline/fs/io_retry.h"

namespace pipeline {
namespace {

// 0 for an answer that stays what it is: no permission, no such type, a name that is too long. EMFILE and
// ENFILE are no answers of a file system.
int TriesFor(int error) {
  switch (error) {
    case EINTR:   // FUSE and NFS mounted with `intr`, where no handler restarts the call
    case EAGAIN:  // openat2(2): something was renamed meanwhile
    case EBUSY:   // a file system that is being mounted, or that fetches the file from tape
    case ENOMEM:  // the kernel's, which it gets back
    case ESTALE:  // NFS: the server has another file there now; a new look-up finds it
      return 5;
    // One more look: usually these are final, or have taken the file system minutes already.
    case EIO:        // FUSE and Lustre while a server fails over
    case ETIMEDOUT:  // a soft mount
    case ENOENT:     // between the two halves of a rename on the server, and from a stale cache of names
      return 2;
    default: return 0;
  }
}

}  // namespace

std::optional<std::chrono::milliseconds> IoRetryDelay(int error, int failed) {
  if (failed >= TriesFor(error)) return std::nullopt;
  return std::chrono::milliseconds(10 << (2 * (failed - 1)));  // 10, 40, 160, 640
}

}  // namespace pipeline
