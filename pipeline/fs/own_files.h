// Recognizes the files that s3flow itself writes, so that a walk leaves them out.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

namespace pipeline {

// Directories and files that this command writes. They are recognized by device and inode, so any path to
// them works. A value. Contains() may be called from any thread.
class OwnFiles {
 public:
  // Adds the file at `path`, if it exists.
  void Add(const std::string& path);
  bool Contains(const struct stat& status) const;

 private:
  std::vector<std::pair<dev_t, ino_t>> files_;
};

// Returns true for a run directory or a plan, of any run: it has a journal.jsonl that begins with a `run`
// record. Costs one system call for a directory without such a file.
bool IsRunDirectory(int directory_fd);

// Reasons for skipped inputs, as the journal and the user see them.
inline constexpr const char* kOwnDirectory = "a run directory or plan of s3flow";
inline constexpr const char* kOwnFile = "written by this command";

}  // namespace pipeline
