// Reads, writes and syncs files, and turns errno into an error. Any thread; all functions but ErrnoError()
// block.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "s3/base/result.h"

namespace pipeline {

// Returns a kLocal error with the message "PATH: TEXT", where TEXT is strerror(3) of `error`.
s3::Error ErrnoError(const std::string& path, int error);

// Writes all of `text`. Returns 0, or the errno of the failed write.
int WriteAll(int fd, std::string_view text);

// Reads at most `bytes.size()` bytes. Returns how many; 0 at the end of the file. `path` is for the error.
s3::Result<std::size_t> ReadSome(int fd, std::span<char> bytes, const std::string& path);

// Writes a directory to the disk, so that new names in it survive a loss of power. Some file systems cannot
// do that (EINVAL, ENOTSUP); this is no failure. Returns 0, or the errno of the failed fsync.
int SyncDirectory(int fd);

}  // namespace pipeline
