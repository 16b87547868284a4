// One source file, opened once for all its parts, and checked for changes.
//
//   auto file = OpenFile::Open(input);
//   wait(file->TimestampWait()), file->RefreshStatus();   // before the first byte is read
//   file->Read(offset, bytes);                            // from any thread
//   file->MayHaveChanged();                               // before the object is completed
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "pipeline/message.h"
#include "pipeline/reading.h"
#include "s3/base/result.h"
#include "s3/http.h"

namespace pipeline {

// Returns the mtime in nanoseconds since 1970, modulo 2^64. For times before 1677 and after 2262, which do
// not fit into 64 bits, the number is not a date, but it still tells versions of a file apart.
std::int64_t MtimeNs(const struct stat& status);

// The `code` of an error if the process or the machine had no free file descriptor. A later attempt may
// succeed, when other descriptors have been closed.
inline constexpr char kNoDescriptor[] = "EMFILE";

// All const methods are thread-safe.
class OpenFile {
 public:
  // Opens the file. If `file.follow_symlink` is false, never follows a symbolic link below the root, even if
  // the tree has changed since the walk (see pipeline/fs/beneath.h). If the path has become a FIFO, fails and
  // does not wait for a writer. Fails with kChanged if the path is not a regular file, does not have the size
  // in `file`, or, for a planned file, does not have its mtime. Fails with kLocal if a system call fails;
  // `system_error` is then the errno of that call (see pipeline/fs/io_retry.h).
  static s3::Result<OpenFile> Open(const InputFile& file);
  OpenFile() = default;
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;

  // Reads from `offset` until `bytes` is full. Blocks. Fails with kChanged if the file ends too early, or is
  // gone from its server (ESTALE). PageCache::kDrop drops the read bytes from the page cache. kBypass
  // (O_DIRECT) reads in place if `bytes` begin on a page and `offset` is a multiple of 4,096; otherwise it
  // copies.
  s3::Result<void> Read(std::uint64_t offset, std::span<char> bytes) const;

  // Asks the system to fetch these bytes into the page cache, so that a later Read() is fast. Returns false
  // with O_DIRECT, which does not use the page cache.
  bool Prefetch(std::uint64_t offset, std::uint64_t bytes) const;

  // Fails with kChanged if the size or mtime has changed since the file was opened, or if a file of size 0
  // has content, like files in /proc. Returns true if only a comparison of the content can tell whether the
  // file has changed; see ChangeCheck. Returns false if the file has not changed.
  s3::Result<bool> MayHaveChanged() const;

  // Returns how long to wait before the first byte is read; 0 if no wait is needed. The clock of file
  // timestamps advances in ticks, so two changes within one tick leave the same times. If reading begins
  // after this wait, no change is missed.
  std::chrono::milliseconds TimestampWait() const;
  // Call it after TimestampWait() and before the first read. Stores the present device, inode and ctime, to
  // compare them later. Fails with kChanged if the size or mtime has changed. If ctime is still young,
  // MayHaveChanged() will return true.
  s3::Result<void> RefreshStatus();

  // Returns how many bytes to read at a time. Without O_DIRECT, returns `cached`, which should be small
  // enough that the bytes stay in the processor's cache until they are hashed. With O_DIRECT, returns the
  // file system's preferred size, such as a stripe, but 1 to 4 MiB, because every read is one request.
  std::size_t read_bytes(std::size_t cached) const;

  // Returns true if Read() leaves the bytes in the page cache, so that sendfile can send them.
  bool stays_in_page_cache() const { return page_cache_ == PageCache::kKeep; }
  s3::FileRange Range(std::uint64_t offset, std::uint64_t bytes) const { return {fd_, offset, bytes}; }

  bool is_open() const { return fd_ >= 0; }
  const struct stat& status() const { return status_; }

 private:
  s3::Result<void> ReadDirect(std::uint64_t offset, std::span<char> bytes) const;
  s3::Result<void> ReadBlock(std::uint64_t offset, std::span<char> bytes) const;
  s3::Result<bool> Compare(const struct stat& now) const;
  // Returns the number of bytes read: at least one, unless the file ends there.
  s3::Result<std::size_t> ReadSome(std::uint64_t offset, std::span<char> bytes) const;

  int fd_ = -1;
  PageCache page_cache_ = PageCache::kKeep;
  ChangeCheck change_check_ = ChangeCheck::kContent;
  bool ctime_is_young_ = false;  // a second change may leave the same ctime
  struct stat status_ = {};
};

// Returns the path of the root directory of the file, which may be a symbolic link. Returns nothing if the
// file's path does not end with its path below the root.
std::optional<std::string> RootOf(const InputFile& file);
// Opens the root directory of the file, for InputFile::root. Returns null with errno if it can't be opened.
std::shared_ptr<const s3::UniqueFd> OpenRoot(const InputFile& file);

// Returns the file's present size in bytes, for a new attempt. Returns 0 if it is not known. A
// buffer always has the same size.
std::uint64_t CurrentSize(const InputFile& file);

}  // namespace pipeline
