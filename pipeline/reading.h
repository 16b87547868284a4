// How the files of a root are read. Values.
#pragma once

namespace pipeline {

enum class PageCache {
  kKeep,    // as it comes: what was read stays in the page cache as long as the system likes
  kDrop,    // what was read is dropped from it (POSIX_FADV_DONTNEED), also when it was there before
  kBypass,  // O_DIRECT: memory to memory; for file systems that read faster so, in parts of some MiB
};

// What says that a file is still the version that was opened. Each also needs the size.
enum class ChangeCheck {
  // mtime, and the content where device, inode or ctime moved: all is read a second time and digested.
  // Notices
  // each change but one that is undone before the second reading.
  kContent,
  kTimes,  // mtime alone: a writer that sets mtime back goes unnoticed
  kNone,   // nothing: what was read is sent, and may be of several versions
};

struct Reading {
  ChangeCheck change_check = ChangeCheck::kContent;
  PageCache page_cache = PageCache::kKeep;
  // O_NOATIME, where the caller owns the file or is privileged (open(2)); elsewhere reading sets the time.
  bool keep_atime = false;
};

}  // namespace pipeline
