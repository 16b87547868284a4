// Owns a file descriptor and closes it.
#pragma once

#include <unistd.h>

#include <utility>

namespace s3 {

class UniqueFd {
 public:
  explicit UniqueFd(int fd) : fd_(fd) {}  // negative means no descriptor
  ~UniqueFd() { Close(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  // Swaps the descriptors, so `other` closes the old one.
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  // Gives up ownership and returns the descriptor.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace s3
