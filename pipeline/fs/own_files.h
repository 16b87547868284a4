// What s3flow itself writes, so that a walk leaves it out. Values, any thread.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

namespace pipeline {

// Directories and files of this command: known by device and inode, whatever path leads to them.
class OwnFiles {
 public:
  // Nothing happens when there is no such file.
  void Add(const std::string& path);
  bool Contains(const struct stat& status) const;

 private:
  std::vector<std::pair<dev_t, ino_t>> files_;
};

// True when the directory is a run directory or a plan of s3flow, of whichever run: it has a journal.jsonl
// that begins as ours does. One system call where there is no such file.
bool IsRunDirectory(int directory_fd);

// Reasons of inputs that are skipped.
inline constexpr const char* kOwnDirectory = "a run directory or plan of s3flow";
inline constexpr const char* kOwnFile = "written by this command";

}  // namespace pipeline
