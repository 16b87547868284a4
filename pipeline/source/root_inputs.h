// Makes the inputs of one root: files, and the results of entries that can't be uploaded. A walk and a list
// of names make them alike.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/fs/own_files.h"
#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/source/name_set.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

std::string BaseName(const std::string& path);
// Returns "a FIFO" or similar. `mode` is not that of a regular file or a directory.
const char* SpecialFileName(mode_t mode);

// Opens a directory for reading, as openat(2) does. If no descriptor is free, waits up to 10 s, until uploads
// have closed some. Returns no descriptor with errno if that fails.
s3::UniqueFd OpenDirectory(int parent, const char* name, bool follow_symlink);

// A value; copies share what does not change. Any thread, but Begin() needs that no other thread uses the
// lists of earlier roots.
class RootInputs {
 public:
  // A key is `key_prefix`, then the root's prefix, then the path below the root.
  RootInputs(std::vector<SourceRoot> roots, std::string key_prefix, OwnFiles own);

  // Begins with another root. Precondition: the lists of all earlier roots have been read.
  void Begin(std::size_t root);
  void SetRootIsFile() { root_is_file_ = true; }
  // Duplicates the descriptor of the root's directory, so that files are opened below it. Does nothing if
  // links are followed. Returns false if no descriptor is free.
  bool KeepDirectory(int fd);

  std::size_t roots() const { return roots_->size(); }
  const SourceRoot& root() const { return (*roots_)[root_]; }
  // The paths below the root that its list has named so far. Precondition: the root has a list.
  NameSet& listed() { return *(*listed_)[root_]; }
  bool IsOwn(const struct stat& status) const { return own_->Contains(status); }

  // `relative`: the path below the root; "" is the root itself.
  // Returns nothing if a filter for sizes or times leaves the file out.
  std::optional<Input> File(const std::string& relative, const struct stat& status) const;
  ObjectResult Skipped(const std::string& relative, std::string reason) const;
  ObjectResult Failed(const std::string& relative, s3::ErrorKind kind, std::string message) const;
  std::string PathOf(const std::string& relative) const;
  std::string KeyOf(const std::string& relative) const;

 private:
  std::shared_ptr<InputFile> FileOf(const std::string& relative) const;
  std::optional<std::string> EarlierOwner(const std::string& key) const;
  static bool WouldYield(const SourceRoot& root, const std::string& relative);

  std::shared_ptr<const std::vector<SourceRoot>> roots_;
  std::string key_prefix_;
  std::shared_ptr<const OwnFiles> own_;
  std::shared_ptr<std::vector<std::optional<NameSet>>> listed_;  // by root
  std::shared_ptr<const s3::UniqueFd> directory_;                // of root(); null if the root is a file
  std::size_t root_ = 0;
  bool root_is_file_ = false;
};

}  // namespace pipeline
