#include "pipeline/journal/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "pipeline/fs/files.h"
#include "pipeline/journal/checksummed_line.h"
#include "pipeline/journal/record.h"

namespace pipeline {
namespace {

// Torn lines are kept as they were, one after the other.
s3::Result<void> KeepTail(const OwnDir& directory, int journal, std::uint64_t offset, std::uint64_t bytes) {
  std::string tail(bytes, '\0');
  const auto read = pread(journal, tail.data(), tail.size(), static_cast<off_t>(offset));
  if (read < 0) return tl::unexpected(ErrnoError(directory.PathOf(kJournalName), errno));
  tail.resize(static_cast<std::size_t>(read));
  if (!tail.ends_with('\n')) tail += '\n';
  const auto name = fmt::format("{}.torn", kJournalName);
  const auto kept = directory.Append(name, 0600);
  if (!kept) return tl::unexpected(kept.error());
  const int error = WriteAll(kept->get(), tail);
  if (error != 0) return tl::unexpected(ErrnoError(directory.PathOf(name), error));
  return {};
}

// Its end, which has been read, is not intact.
s3::Result<void> CutTo(std::uint64_t keep_bytes, const OwnDir& directory, int journal) {
  const auto path = directory.PathOf(kJournalName);
  struct stat status {};
  if (fstat(journal, &status) != 0) return tl::unexpected(ErrnoError(path, errno));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == keep_bytes) return {};
  if (size < keep_bytes || size - keep_bytes > kMaxLineBytes + 1) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    path + " has changed since it was read: does another program write to it?");
  }
  if (auto kept = KeepTail(directory, journal, keep_bytes, size - keep_bytes); !kept) return kept;
  if (ftruncate(journal, static_cast<off_t>(keep_bytes)) == 0) return {};
  return tl::unexpected(ErrnoError(path, errno));
}

}  // namespace

s3::Result<std::unique_ptr<Journal>> Journal::Open(const OwnDir& directory, std::uint64_t keep_bytes,
                                                   std::function<void(const s3::Error&)> on_failure) {
  auto file = directory.Append(kJournalName, 0600);
  if (!file) return tl::unexpected(file.error());
  if (const auto cut = CutTo(keep_bytes, directory, file->get()); !cut) return tl::unexpected(cut.error());
  const auto path = directory.PathOf(kJournalName);
  // A new file outlives a loss of power only with its name in the directory on the disk. Not every file
  // system syncs directories.
  if (keep_bytes == 0 && fsync(directory.fd()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    return tl::unexpected(ErrnoError(path, errno));
  }
  return std::unique_ptr<Journal>(new Journal(std::move(*file), path, keep_bytes, std::move(on_failure)));
}

Journal::Journal(s3::UniqueFd file, std::string path, std::uint64_t size_bytes,
                 std::function<void(const s3::Error&)> on_failure)
    : file_(std::move(file)),
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
  if (const int error = WriteAll(file_.get(), line); error != 0) {
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
  const int error = fdatasync(file_.get()) == 0 ? 0 : errno;
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
