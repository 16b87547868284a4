// Recognizes the files that s3flow itself writes, so that a walk skips them.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "s3/base/result.h"

namespace pipeline {

// The directories and files that this command writes. Recognizes them by device and inode number, whatever
// path leads to them. A value. Any thread may call Contains().
class OwnFiles {
 public:
  // Adds the file at `path`, if it exists.
  void Add(const std::string& path);
  bool Contains(const struct stat& status) const;

 private:
  std::vector<std::pair<dev_t, ino_t>> files_;
};

// Returns true if the directory belongs to any run or plan: it contains a journal.jsonl that begins with a
// `run` record, or a journal.jsonl.zst that s3flow has compressed. If the directory has neither, the check
// costs two system calls.
s3::Result<bool> IsRunDirectory(int directory_fd);

// Values of ObjectResult::reason: for the directories of runs and plans, and for other files that this
// command writes.
inline constexpr const char* kOwnDirectory = "a run directory or plan of s3flow";
inline constexpr const char* kOwnFile = "written by this command";

}  // namespace pipeline
