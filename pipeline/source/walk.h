// Finds the inputs below the source's roots, one entry at a time. A walk can be divided into parts.
//
//   Walk walk(options.source, "prefix/");
//   while (auto input = walk.Next()) {
//     // a file, or the result of an entry that can't be uploaded
//   }
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/fs/directory.h"
#include "pipeline/fs/own_files.h"
#include "pipeline/message.h"
#include "pipeline/options.h"

namespace pipeline {

// Returns a message about the first root that can't be read, with the reason. Returns nothing when all can be
// read.
std::optional<std::string> RootProblem(const std::vector<SourceRoot>& roots);

// Reads a directory only as far as its entries are asked for: memory grows with the depth of the tree, not
// with its size. Names are bytes. Opens only directories, so that a FIFO or a device can't hang the walk.
// Yields every entry that no glob excludes: a file, or a result that says why the entry can't be uploaded.
// Each run directory or plan, of any run, and each file of `own` is one skipped input. If a root itself is
// another run's directory, it is walked. Not thread-safe: one thread owns a walk.
class Walk {
 public:
  // Each key is `key_prefix`, the root's prefix and the path below the root.
  Walk(std::vector<SourceRoot> roots, std::string key_prefix, OwnFiles own = {});

  // Looks at one more entry, and sets `found` if it yields an input. Returns false at the end.
  bool Step(std::optional<Input>* found);
  // Returns the next input; nothing at the end.
  std::optional<Input> Next();

  // Splits off about half of the remaining entries of the outermost directory, as a walk of its own. Returns
  // nothing when there is too little to divide. Together, both walks yield exactly the inputs that this walk
  // would have yielded.
  std::optional<Walk> Split();
  // Returns how many threads may walk parts of the current root at the same time.
  int threads() const { return root_index_ == 0 ? 1 : root().threads; }

  // Split reads up to this many names of a directory and divides them.
  static constexpr std::size_t kSplitNames = 64;

 private:
  // Stays open as long as any part of the walk has names of this directory to visit.
  struct Directory {
    std::unique_ptr<DirectoryReader> reader;
    std::string relative;  // below the root, "" or ending in '/'
    dev_t device;
    ino_t inode;
    std::shared_ptr<const Directory> parent;
    std::size_t depth;
  };

  // The rest of a directory to visit: first `names`, then the names that its reader still yields. Only one
  // part of a walk uses the reader.
  struct Frame {
    std::shared_ptr<const Directory> directory;
    std::vector<std::string> names;
    bool reading = true;  // this part uses the reader, and it has not ended
    int error = 0;        // errno that ended the reading
  };

  Walk(const Walk& whole, Frame frame);
  std::optional<Input> StartRoot();
  std::optional<Input> ReadEntry();
  bool IsOwn(const Directory* parent, const struct stat& status, int fd) const;
  static const char* ReadName(Frame* frame);
  std::optional<Input> Visit(const std::shared_ptr<const Directory>& directory, const char* name);
  std::optional<Input> Enter(std::shared_ptr<const Directory> parent, const char* name,
                             const std::string& relative, const struct stat& status);
  Input FileItem(const std::string& relative, const struct stat& status);
  Input Skipped(const std::string& relative, std::string reason) const;
  Input Failed(const std::string& relative, s3::ErrorKind kind, std::string message) const;

  const SourceRoot& root() const { return (*roots_)[root_index_ - 1]; }
  std::string PathOf(const std::string& relative) const;
  std::string KeyOf(const std::string& relative) const;
  std::shared_ptr<InputFile> FileOf(const std::string& relative) const;
  std::optional<std::string> EarlierOwner(const std::string& key) const;

  std::shared_ptr<const std::vector<SourceRoot>> roots_;
  std::string key_prefix_;
  std::shared_ptr<const OwnFiles> own_;
  std::shared_ptr<const s3::UniqueFd> root_directory_;  // of root(); null when it is a file
  std::size_t root_index_ = 0;                          // of the next root
  std::size_t root_end_;
  bool root_is_file_ = false;
  std::vector<Frame> stack_;  // outermost first
};

}  // namespace pipeline
