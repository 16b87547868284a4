// Walks the source's roots, one entry at a time. Not thread-safe: one thread owns a walk.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/message.h"
#include "pipeline/options.h"

namespace pipeline {

// Nothing when every root can be looked at; else the first that cannot, and why.
std::optional<std::string> RootProblem(const std::vector<SourceRoot>& roots);

// Lazy: directories are read as their entries are asked for; memory grows with the depth of the
// tree, not with its size. Names are bytes. Nothing is opened but directories, so a FIFO or a
// device cannot hang the walk. Every entry that no glob excludes is yielded: as a task, or as a
// result that says why it cannot be one.
class Walk {
 public:
  // `key_prefix` is put before every key.
  Walk(std::vector<SourceRoot> roots, std::string key_prefix);

  // Nothing at the end.
  std::optional<Input> Next();

 private:
  struct Directory {
    std::unique_ptr<DIR, int (*)(DIR*)> stream;
    std::string relative;  // below the root, "" or ending in '/'
    dev_t device;
    ino_t inode;
  };

  std::optional<Input> StartRoot();
  std::optional<Input> ReadEntry();
  std::optional<Input> Visit(int directory_fd, const char* name, const std::string& relative);
  std::optional<Input> Enter(int directory_fd, const char* name, const std::string& relative,
                             const struct stat& status);
  Input FileItem(const std::string& relative, const struct stat& status);
  Input Skipped(const std::string& relative, std::string reason) const;
  Input Failed(const std::string& relative, s3::ErrorKind kind, std::string message) const;

  const SourceRoot& root() const { return roots_[root_index_ - 1]; }
  std::string PathOf(const std::string& relative) const;
  std::string KeyOf(const std::string& relative) const;
  std::shared_ptr<InputFile> FileOf(const std::string& relative) const;
  std::optional<std::string> EarlierOwner(const std::string& key) const;

  const std::vector<SourceRoot> roots_;
  const std::string key_prefix_;
  std::size_t root_index_ = 0;  // of the next root
  bool root_is_file_ = false;
  std::vector<Directory> stack_;  // the open directories, outermost first
};

}  // namespace pipeline
