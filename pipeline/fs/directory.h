// Reads the names in a directory.
#pragma once

#include <cstddef>
#include <memory>

#include "s3/base/unique_fd.h"

namespace pipeline {

// Uses getdents64(2), not readdir(3): glibc before 2.38 leaves out entries whose inode number is 0, and on
// some FUSE file systems that is every entry (https://sourceware.org/bugzilla/show_bug.cgi?id=12165). For the
// same reason neither the type nor the inode number of an entry is used. One thread at a time.
class DirectoryReader {
 public:
  explicit DirectoryReader(s3::UniqueFd directory) : directory_(std::move(directory)) {}

  // Returns the next name, without "." and ".."; valid until the next call. Returns null at the end and after
  // an error; error() tells which. Blocks. Repeats a failed system call, see io_retry.h.
  const char* Next();
  // The errno that ended the reading; 0 for none.
  int error() const { return error_; }
  int fd() const { return directory_.get(); }

 private:
  static constexpr std::size_t kBufferBytes = 32 << 10;

  bool Fill();

  s3::UniqueFd directory_;
  std::unique_ptr<char[]> buffer_;  // allocated by the first call, freed at the end
  std::size_t at_ = 0, end_ = 0;
  int error_ = 0;
};

}  // namespace pipeline
