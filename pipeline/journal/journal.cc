#include "pipeline/journal/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "pipeline/fs/files.h"
#include "pipeline/fs/line_reader.h"
#include "pipeline/journal/journal_file.h"

namespace pipeline {
namespace {

constexpr std::chrono::seconds kSyncPeriod{1};

// Appends the torn line to journal.jsonl.torn, with all its bytes.
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

// Cuts off the torn end of the journal. `keep_bytes`: the size of the intact lines, from JournalReader.
s3::Result<void> CutTo(std::uint64_t keep_bytes, const OwnDir& directory, int journal) {
  const auto path = directory.PathOf(kJournalName);
  struct stat status {};
  if (fstat(journal, &status) != 0) return tl::unexpected(ErrnoError(path, errno));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == keep_bytes) return {};
  if (size < keep_bytes || size - keep_bytes > kMaxLineBytes + 1) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    path + " has changed since it was read: make sure that no other program writes to it");
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
  const int error = keep_bytes == 0 ? SyncDirectory(directory.fd()) : 0;  // the file may be new
  if (error != 0) return tl::unexpected(ErrnoError(path, error));
  return std::unique_ptr<Journal>(new Journal(std::move(*file), path, keep_bytes, std::move(on_failure)));
}

Journal::Journal(s3::UniqueFd file, std::string path, std::uint64_t size_bytes,
                 std::function<void(const s3::Error&)> on_failure)
    : file_(std::move(file)),
      path_(std::move(path)),
      on_failure_(std::move(on_failure)),
      size_bytes_(size_bytes) {
  sync_thread_.emplace(kSyncPeriod, [this] {
    SyncAppended();
    return kSyncPeriod;
  });
}

Journal::~Journal() {
  sync_thread_.reset();
  SyncAppended();
}

s3::Result<void> Journal::Status() const {
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

bool Journal::failed() const {
  const s3::MutexLock lock(mutex_);
  return failure_.has_value();
}

std::uint64_t Journal::size_bytes() const {
  const s3::MutexLock lock(mutex_);
  return size_bytes_;
}

s3::Result<void> Journal::Append(std::string_view line) {
  s3::MutexLock lock(mutex_);
  if (failure_) return Status();
  const int error = WriteAll(file_.get(), line);
  if (error == 0) {
    size_bytes_ += line.size();
    dirty_ = true;
    return {};
  }
  const auto failure = failure_.emplace(ErrnoError(path_, error));
  lock.unlock();
  Report(failure);
  return tl::unexpected(failure);
}

s3::Result<void> Journal::AppendDurably(std::string_view line, s3::Waiter* waiter) {
  if (auto appended = Append(line); !appended) return appended;
  waiter->Wait(s3::SlotState::kJournal, [this](s3::Wake wake) {
    const s3::MutexLock lock(mutex_);
    waiting_.push_back(wake);
    sync_thread_->Wake();
  });
  const s3::MutexLock lock(mutex_);
  return Status();
}

s3::Result<void> Journal::Sync() {
  s3::BlockingWaiter waiter;
  return AppendDurably("", &waiter);
}

// The caller must not hold the mutex, because the callback may call Append().
void Journal::Report(const s3::Error& failure) const {
  if (on_failure_) on_failure_(failure);
}

// Calls fdatasync once for all lines so far, and wakes all tasks that wait for these lines.
void Journal::SyncAppended() {
  s3::MutexLock lock(mutex_);
  if (!dirty_ && waiting_.empty()) return;
  const auto woken = std::exchange(waiting_, {});
  dirty_ = false;
  lock.unlock();
  const int error = fdatasync(file_.get()) == 0 ? 0 : errno;
  lock.lock();
  std::optional<s3::Error> first_failure;
  if (error != 0 && !failure_) first_failure = failure_ = ErrnoError(path_, error);
  lock.unlock();
  if (first_failure) Report(*first_failure);
  for (const auto& wake : woken) wake();
}

}  // namespace pipeline
