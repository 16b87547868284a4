// Reads the names in a directory. One thread at a time.
#pragma once

#include <cstddef>
#include <memory>

#include "s3/base/unique_fd.h"

namespace pipeline {

// By getdents64(2) and not readdir(3), which passes over entries whose inode number is 0: some FUSE file
// systems number all of them so (glibc before 2.38, https://sourceware.org/bugzilla/show_bug.cgi?id=12165).
// Neither the type of an entry nor its number is used.
class DirectoryReader {
 public:
  explicit DirectoryReader(s3::UniqueFd directory) : directory_(std::move(directory)) {}

  // The next name but "." and ".."; valid until the next call. Null at the end and after an error: see
  // error(). A call that fails is made again (pipeline/fs/io_retry.h).
  const char* Next();
  // 0, or the errno that has ended the reading.
  int error() const { return error_; }
  int fd() const { return directory_.get(); }

 private:
  static constexpr std::size_t kBufferBytes = 32 << 10;

  bool Fill();

  s3::UniqueFd directory_;
  std::unique_ptr<char[]> buffer_;  // made with the first call, given back at the end
  std::size_t at_ = 0, end_ = 0;
  int error_ = 0;
};

}  // namespace pipeline
