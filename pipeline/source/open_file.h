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

// Returns the mtime in nanoseconds since 1970, modulo 2^64. Times before 1677 and after 2262 do not fit into
// 64 bits. The number is then not a date, but still tells versions of a file apart.
std::int64_t MtimeNs(const struct stat& status);

// The `code` of an error when the process or the machine had no descriptor left. A later attempt can succeed,
// after other descriptors have been closed.
inline constexpr char kNoDescriptor[] = "EMFILE";

// All const methods are thread-safe.
class OpenFile {
 public:
  // Opens the file. Below a root whose links are not followed, it never opens anything through a symbolic
  // link, even if the tree has changed since the walk (see pipeline/fs/beneath.h). Never waits for a writer:
  // a path that became a FIFO is refused. Fails with kChanged when the path is not a regular file, does not
  // have `file`'s size, or differs from the file in the plan. Fails with kLocal when a system call fails,
  // with its errno in `system_error` (see pipeline/fs/io_retry.h).
  static s3::Result<OpenFile> Open(const InputFile& file);
  OpenFile() = default;
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;

  // Fills all of `bytes` from `offset`; blocks. Fails with kChanged when the file ends too early, or is gone
  // from its server (ESTALE). PageCache::kDrop drops the read bytes from the page cache. kBypass (O_DIRECT)
  // reads in place if `bytes` begin on a page and `offset` is a multiple of 4,096; otherwise it copies.
  s3::Result<void> Read(std::uint64_t offset, std::span<char> bytes) const;

  // Asks the system to fetch these bytes into the page cache, because they will be read soon. Returns false
  // with O_DIRECT, which has no page cache.
  bool Prefetch(std::uint64_t offset, std::uint64_t bytes) const;

  // Fails with kChanged when size or mtime have changed since the opening, or when a file of size 0 has
  // content, like files of /proc. Returns true when only the content can tell whether the file has changed,
  // see ChangeCheck. Returns false when the file has not changed.
  s3::Result<bool> MayHaveChanged() const;

  // Returns how long to wait before the first byte is read. The clock of file timestamps advances in ticks,
  // so two changes within one tick leave the same times. If reading begins after that tick, no change is
  // missed.
  std::chrono::milliseconds TimestampWait() const;
  // Call it after that wait and before the first read. Stores the present device, inode and ctime for later
  // comparisons. Fails with kChanged when size or mtime have changed. If ctime is still younger than a tick,
  // later checks must compare the content.
  s3::Result<void> RefreshStatus();

  // Returns how many bytes to read at a time. Without O_DIRECT that is `cached`: a size that stays in the
  // processor's cache until it is digested. With O_DIRECT it is the file system's preferred size, such as a
  // stripe, because every read is one request.
  std::size_t read_bytes(std::size_t cached) const;

  // True when Read leaves the bytes in the page cache, from where they can be sent.
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
  bool ctime_is_young_ = false;  // a second change may have left the same ctime
  struct stat status_ = {};
};

// Returns the path of the directory of the file's root, which may itself be a symbolic link; nothing when the
// path does not lie below a root.
std::optional<std::string> RootOf(const InputFile& file);
// Opens that directory, for InputFile::root. Returns null when it can't be opened; errno says why.
std::shared_ptr<const s3::UniqueFd> OpenRoot(const InputFile& file);

// Returns the file's size now, for a new attempt; 0 when the system doesn't say.
std::uint64_t CurrentSize(const InputFile& file);

}  // namespace pipeline
