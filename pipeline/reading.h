// How the files of a source root are read. Plain values.
#pragma once

namespace pipeline {

enum class PageCache {
  kKeep,    // leave it to the system: read bytes stay cached as long as it likes
  kDrop,    // drop what was read (POSIX_FADV_DONTNEED), even when it was cached before
  kBypass,  // O_DIRECT, for file systems that read faster this way; reads in pieces of some MiB
};

// How to tell that a file is still the version that was opened. Each way also compares the size.
enum class ChangeCheck {
  // Compares mtime. If device, inode or ctime have changed, the file is read a second time, and the digests
  // are compared. Misses only a change that is undone before the second reading.
  kContent,
  kTimes,  // compares mtime only: misses a writer that sets mtime back
  kNone,   // compares only the size: the object may mix several versions of the file
};

struct Reading {
  ChangeCheck change_check = ChangeCheck::kContent;
  PageCache page_cache = PageCache::kKeep;
  // True: reads with O_NOATIME. That needs the file's owner or a privileged process (open(2)); otherwise
  // reading changes the atime.
  bool keep_atime = false;
};

}  // namespace pipeline
