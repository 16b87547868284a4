#include "pipeline/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

#include "pipeline/files.h"

namespace pipeline {
namespace {

// 0, or errno. A new file outlives a loss of power only with its name in the directory on the disk.
int SyncDirectoryOf(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto directory = slash == std::string::npos ? std::string(".") : path.substr(0, slash + 1);
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return error == EINVAL || error == ENOTSUP ? 0 : error;  // not every file system syncs directories
}

}  // namespace

s3::Result<std::unique_ptr<Journal>> Journal::Open(const std::string& path, std::uint64_t keep_bytes,
                                                   std::function<void(const s3::Error&)> on_failure) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return tl::unexpected(ErrnoError(path, errno));
  int error = ftruncate(fd, static_cast<off_t>(keep_bytes)) == 0 ? 0 : errno;
  if (error == 0 && keep_bytes == 0) error = SyncDirectoryOf(path);
  if (error != 0) {
    close(fd);
    return tl::unexpected(ErrnoError(path, error));
  }
  return std::unique_ptr<Journal>(new Journal(fd, path, keep_bytes, std::move(on_failure)));
}

Journal::Journal(int fd, std::string path, std::uint64_t size_bytes,
                 std::function<void(const s3::Error&)> on_failure)
    : fd_(fd),
      path_(std::move(path)),
      on_failure_(std::move(on_failure)),
      size_bytes_(size_bytes),
      thread_([this] { SyncAhead(); }) {}

Journal::~Journal() {
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
    changed_.notify_all();
  }
  thread_.join();
  close(fd_);
}

s3::Result<void> Journal::Status() const {
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

bool Journal::failed() const {
  std::lock_guard lock(mutex_);
  return failure_.has_value();
}

std::uint64_t Journal::size_bytes() const {
  std::lock_guard lock(mutex_);
  return size_bytes_;
}

s3::Result<void> Journal::Append(std::string_view line) {
  std::unique_lock lock(mutex_);
  if (failure_) return Status();
  if (const int error = WriteAll(fd_, line); error != 0) {
    Fail(std::move(lock), error);
    return tl::unexpected(ErrnoError(path_, error));
  }
  size_bytes_ += line.size();
  dirty_ = true;
  return {};
}

s3::Result<void> Journal::AppendDurably(std::string_view line, s3::Waiter* waiter) {
  if (auto appended = Append(line); !appended) return appended;
  waiter->Wait([this](s3::Wake wake) {
    std::lock_guard lock(mutex_);
    waiting_.push_back(wake);
    changed_.notify_one();
  });
  std::lock_guard lock(mutex_);
  return Status();
}

s3::Result<void> Journal::Sync() {
  s3::BlockingWaiter waiter;
  return AppendDurably("", &waiter);
}

// The first error is the run's; `lock` is let go, since whoever hears of it may append.
void Journal::Fail(std::unique_lock<std::mutex> lock, int error) {
  if (failure_) return;
  const auto failure = failure_.emplace(ErrnoError(path_, error));
  lock.unlock();
  if (on_failure_) on_failure_(failure);
}

void Journal::SyncAhead() {
  std::unique_lock lock(mutex_);
  while (!quit_ || !waiting_.empty()) {
    changed_.wait_for(lock, std::chrono::seconds(1), [this] { return quit_ || !waiting_.empty(); });
    if (dirty_ || !waiting_.empty()) SyncOnce(&lock);
  }
}

void Journal::SyncOnce(std::unique_lock<std::mutex>* lock) {
  const auto woken = std::exchange(waiting_, {});
  dirty_ = false;
  lock->unlock();
  const int error = fdatasync(fd_) == 0 ? 0 : errno;
  lock->lock();
  if (error != 0) {
    Fail(std::move(*lock), error);
    *lock = std::unique_lock(mutex_, std::defer_lock);
  }
  if (lock->owns_lock()) lock->unlock();
  for (const auto& wake : woken) wake();
  lock->lock();
}

}  // namespace pipeline
