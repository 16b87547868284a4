// One source file, open for all its parts, and whether it is still what it was. Reads from any
// thread.
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

// Nanoseconds since 1970, modulo 2^64 for times that do not fit (before 1677, after 2262): these are no dates
// then, but two times that differ still do.
std::int64_t MtimeNs(const struct stat& status);

// The code of an error that says that no descriptor was left, to this process or to the machine: others that
// are closed make the next attempt succeed.
inline constexpr char kNoDescriptor[] = "EMFILE";

class OpenFile {
 public:
  // Below a root whose links are not followed, nothing is opened through a symbolic link, however the tree
  // has changed since the walk; see pipeline/fs/beneath.h. Never waits for a writer: a path that became a
  // FIFO since the walk is refused. kChanged when it is no regular file or has another size than `file` says,
  // or is not the one that a plan has found; kLocal when the system refuses, with its errno (see
  // pipeline/fs/io_retry.h).
  static s3::Result<OpenFile> Open(const InputFile& file);
  OpenFile() = default;
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;

  // Fills all of `bytes`; kChanged when the file ends before, or is gone from its server (ESTALE). What has
  // been read leaves the page cache when the file says so. With O_DIRECT, `bytes` that begin on a page and an
  // offset that is a multiple of 4,096 are read in place.
  s3::Result<void> Read(std::uint64_t offset, std::span<char> bytes) const;

  // These bytes are read soon: has the system fetch them, when there are many. False when it cannot, with
  // O_DIRECT.
  bool Announce(std::uint64_t offset, std::uint64_t bytes) const;

  // kChanged when size or mtime are not those at the opening, or when a file that says to be empty has
  // content, as those of /proc do. True when only its content tells whether it is another version: see
  // ChangeCheck.
  s3::Result<bool> MayHaveChanged() const;

  // How long to wait before the first byte is read. A file system stamps times with a clock that
  // ticks: a second change within the tick of the last one would not show. What is read only after
  // that tick is over cannot change unseen.
  std::chrono::milliseconds Settling() const;
  // After that wait, as long as nothing has been read: takes device, inode and ctime as they are by now.
  // kChanged when more than these moved. Where ctime still moves, only the content tells from now on.
  s3::Result<void> Settle();

  // How many bytes to read at a time: what is digested while it is in the processor's cache; with O_DIRECT
  // the file system's preferred size, a stripe, where every read is one request.
  std::size_t read_bytes(std::size_t cached) const;

  // Bytes to be sent from the page cache, where Read has brought them and left them.
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
  bool is_restless_ = false;  // its ctime is too young to show a second change
  struct stat status_ = {};
};

// The path of its root's directory; nothing for a file that has none below which it is. The root itself may
// be a symbolic link.
std::optional<std::string> RootOf(const InputFile& file);
// Opens that directory for InputFile::root; null when it cannot be opened.
std::shared_ptr<const s3::UniqueFd> OpenRoot(const InputFile& file);

// The size of the file now, for a new attempt; 0 when it cannot be told.
std::uint64_t SizeNow(const InputFile& file);

}  // namespace pipeline
