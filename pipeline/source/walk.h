// Walks the source's roots, one entry at a time, and can be divided. Not thread-safe: one thread owns a walk.
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

// Nothing when every root can be looked at; else the first that cannot, and why.
std::optional<std::string> RootProblem(const std::vector<SourceRoot>& roots);

// Lazy: directories are read as their entries are asked for; memory grows with the depth of the
// tree, not with its size. Names are bytes. Nothing is opened but directories, so a FIFO or a
// device cannot hang the walk. Every entry that no glob excludes is yielded: as a task, or as a
// result that says why it cannot be one. What s3flow itself writes is one skipped input: a run directory or a
// plan, of any run, and the files of `own`; but a root that is another run's directory is walked.
class Walk {
 public:
  // `key_prefix` is put before every key.
  Walk(std::vector<SourceRoot> roots, std::string key_prefix, OwnFiles own = {});

  // Looks at one more entry, which may be none that is yielded; false at the end.
  bool Step(std::optional<Input>* found);
  // Nothing at the end.
  std::optional<Input> Next();

  // Gives away about half of what is left of the directory that is furthest up, which this walk then passes
  // over. Nothing when there is too little to divide. Which part gets what depends on the order of the
  // entries; both together yield what one would have.
  std::optional<Walk> Split();
  // In how many parts the root that is being walked may be walked at once.
  int threads() const { return root_index_ == 0 ? 1 : root().threads; }

  // So many names of a directory are divided at a time.
  static constexpr std::size_t kSplitNames = 64;

 private:
  // Open for as long as a part of the walk has names in it.
  struct Directory {
    std::unique_ptr<DirectoryReader> reader;
    std::string relative;  // below the root, "" or ending in '/'
    dev_t device;
    ino_t inode;
    std::shared_ptr<const Directory> parent;
    std::size_t depth;
  };

  // What is left to be visited of a directory: names that were read, then its reader, which one part has.
  struct Frame {
    std::shared_ptr<const Directory> directory;
    std::vector<std::string> names;
    bool reading = true;
    int error = 0;  // that ended the reading
  };

  explicit Walk(const Walk& whole, Frame frame);
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
