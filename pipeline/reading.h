// How the files of a source root are read. Plain values.
#pragma once

namespace pipeline {

enum class PageCache {
  kKeep,    // the system decides how long read bytes stay cached
  kDrop,    // drops read bytes (POSIX_FADV_DONTNEED), even if they were cached before
  kBypass,  // O_DIRECT, for file systems that read faster this way; reads 1 to 4 MiB at a time
};

// How to check that a file is still the version that was opened. Whatever the kind of check, opening fails if
// the file does not have the size that the walk found.
enum class ChangeCheck {
  // Compares size and mtime. If device, inode or ctime has changed, the file is read a second time, and the
  // digests are compared. Misses only a change that is undone before the second reading.
  kContent,
  kTimes,  // compares size and mtime; misses a writer that sets mtime back
  kNone,   // compares nothing after the opening, so the object may mix several versions of the file
};

struct Reading {
  ChangeCheck change_check = ChangeCheck::kContent;
  PageCache page_cache = PageCache::kKeep;
  // True: reads with O_NOATIME, so that reading does not change the atime. Only the file's owner and
  // privileged processes may use O_NOATIME (open(2)); in other processes reading still changes the atime.
  bool keep_atime = false;
};

}  // namespace pipeline
