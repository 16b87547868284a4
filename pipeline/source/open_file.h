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

// Returns nanoseconds since 1970, modulo 2^64. Times before 1677 and after 2262 do not fit: the number is no
// date then, but still differs between two times that differ.
std::int64_t MtimeNs(const struct stat& status);

// The code of an error that says that the process, or the machine, had no descriptor left. The next attempt
// succeeds when others have been closed.
inline constexpr char kNoDescriptor[] = "EMFILE";

// All const methods are thread-safe.
class OpenFile {
 public:
  // Below a root whose links are not followed, never opens anything through a symbolic link, however the tree
  // has changed since the walk; see pipeline/fs/beneath.h. Never waits for a writer: a path that became a
  // FIFO is refused. Errors: kChanged when it is not a regular file, not of `file`'s size, or not the file
  // that a plan has found; kLocal when the system refuses, with its errno (see pipeline/fs/io_retry.h).
  static s3::Result<OpenFile> Open(const InputFile& file);
  OpenFile() = default;
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;

  // Fills all of `bytes`. kChanged when the file ends before that, or is gone from its server (ESTALE). With
  // PageCache::kDrop, what was read leaves the page cache. With kBypass (O_DIRECT), `bytes` that begin on a
  // page and an offset that is a multiple of 4,096 are read in place.
  s3::Result<void> Read(std::uint64_t offset, std::span<char> bytes) const;

  // Has the system fetch these bytes into the page cache, because they will be read soon. Returns false when
  // it can't, with O_DIRECT.
  bool Prefetch(std::uint64_t offset, std::uint64_t bytes) const;

  // kChanged when size or mtime differ from those at the opening, or when a file that says to be empty has
  // content, as files of /proc do. Returns true when only the content can tell whether it changed: see
  // ChangeCheck.
  s3::Result<bool> MayHaveChanged() const;

  // How long to wait before the first byte is read. File systems take timestamps from a clock that ticks, so
  // a second change within one tick leaves the same times. If reading begins after that tick, no change is
  // missed.
  std::chrono::milliseconds TimestampWait() const;
  // Called after that wait, before anything is read. Takes over device, inode and ctime as they are now.
  // kChanged when size or mtime moved. If ctime is still so young, only the content can tell from now on.
  s3::Result<void> RefreshStatus();

  // How many bytes to read at a time. That is `cached`, which the processor's cache holds until they are
  // digested; with O_DIRECT the file system's preferred size, such as a stripe, because every read is one
  // request.
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
  // At least one byte, unless the file ends there.
  s3::Result<std::size_t> ReadSome(std::uint64_t offset, std::span<char> bytes) const;

  int fd_ = -1;
  PageCache page_cache_ = PageCache::kKeep;
  ChangeCheck change_check_ = ChangeCheck::kContent;
  bool ctime_is_young_ = false;  // so a second change may not show in it
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
