// How the files of a root are read. Values.
#pragma once

namespace pipeline {

enum class PageCache {
  kKeep,    // as it comes: what was read stays in the page cache as long as the system likes
  kDrop,    // what was read is dropped from it (POSIX_FADV_DONTNEED), also when it was there before
  kBypass,  // O_DIRECT: memory to memory; for file systems that read faster so, in parts of some MiB
};

struct Reading {
  PageCache page_cache = PageCache::kKeep;
  // O_NOATIME, where the caller owns the file or is privileged (open(2)); elsewhere reading sets the time.
  bool keep_atime = false;
};

}  // namespace pipeline
