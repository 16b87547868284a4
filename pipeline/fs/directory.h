// Reads the names in a directory.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// Uses getdents64(2), not readdir(3): glibc before 2.38 leaves out entries whose inode number is 0, and some
// FUSE file systems give that number to every entry (https://sourceware.org/bugzilla/show_bug.cgi?id=12165).
// For the same reason the class ignores the inode number of an entry. Not thread-safe.
class DirectoryReader {
 public:
  explicit DirectoryReader(s3::UniqueFd directory) : directory_(std::move(directory)) {}

  // Returns the next name; leaves out "." and "..". The name is valid until the next call. Returns null at
  // the end of the directory and after an error; error() tells the two apart. Blocks. Repeats a failed system
  // call; see io_retry.h.
  const char* Next();
  // Returns the type of the last entry: DT_DIR, DT_REG ... (dirent.h). The type is only a hint, because some
  // file systems always return DT_UNKNOWN.
  unsigned char type() const { return type_; }
  // Returns the errno of the failed call that ended the reading; 0 if none failed.
  int error() const { return error_; }
  int fd() const { return directory_.get(); }

 private:
  static constexpr std::size_t kBufferBytes = 32 << 10;

  bool Fill();

  s3::UniqueFd directory_;
  std::unique_ptr<char[]> buffer_;  // allocated by the first Next(), freed at the end
  std::size_t at_ = 0, end_ = 0;
  int error_ = 0;
  unsigned char type_ = 0;
};

// Returns true if the directory has a regular file with this name that begins with `begin`. Returns false if
// this user may not read the file. Follows no link, and does not wait for the writer of a FIFO. Costs one
// system call if there is no such file. Repeats a failed system call, and waits up to 10 s for a free
// descriptor. Fails with kLocal if the system does not tell.
s3::Result<bool> HasFileThatBegins(int directory_fd, const char* name, std::string_view begin);

}  // namespace pipeline
