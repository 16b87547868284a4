// Finds the inputs below the source's roots, one entry at a time. Parts can be split off from a walk.
//
//   Walk walk(options.source, "prefix/");
//   while (auto input = walk.Next()) {
//     // a file, or the result of an entry that can't be uploaded
//   }
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/fs/directory.h"
#include "pipeline/fs/own_files.h"
#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/source/list_walk.h"
#include "pipeline/source/root_inputs.h"

namespace pipeline {

// Returns a message about the first root that can't be read, with the reason. Returns nothing if all roots
// can be read.
std::optional<std::string> RootProblem(const std::vector<SourceRoot>& roots);

// Reads a directory only as far as its entries are needed, so memory grows with the depth of the tree, not
// with its size. Names are bytes. Opens only directories, so that a FIFO or a device can't hang the walk.
// If a root has a list, visits its names instead (list_walk.h).
// Yields every entry that no glob excludes: a file, or a result that says why the entry can't be uploaded.
// Each directory of a run or plan, and each file in `own`, is one skipped input. But if a root itself is the
// directory of another run, it is walked. Not thread-safe.
class Walk {
 public:
  // A key is `key_prefix`, then the root's prefix, then the path below the root.
  // `stop` ends the walk; see interrupted().
  Walk(std::vector<SourceRoot> roots, std::string key_prefix, OwnFiles own = {}, std::stop_token stop = {});

  // Visits one more entry, and sets `found` if the entry is an input. Returns false at the end.
  bool Step(std::optional<Input>* found);
  // Returns the next input. Returns nothing at the end of the walk.
  std::optional<Input> Next();

  // Splits off about half of the remaining entries of the outermost directory, and returns them as a new
  // walk. Returns nothing if too few entries remain. Together, both walks yield exactly the inputs that this
  // walk would have yielded.
  std::optional<Walk> Split();
  // Returns how many threads may walk parts of the current root at the same time.
  int threads() const { return next_root_ == 0 ? 1 : root().threads; }
  // Returns true if the walk ended because of a stop.
  bool interrupted() const { return interrupted_; }

  // Split() reads up to this many names of a directory, and divides them between both walks.
  static constexpr std::size_t kSplitNames = 64;

 private:
  // A directory stays open until no part of the walk has names in it to visit.
  struct Directory {
    std::unique_ptr<DirectoryReader> reader;
    std::string relative;  // path below the root: "" or ending in '/'
    dev_t device;
    ino_t inode;
    std::shared_ptr<const Directory> parent;
    std::size_t depth;
  };

  // The entries of a directory that remain to be visited: first `names`, then the names that the reader still
  // yields. Only one part of a walk uses the reader.
  struct Frame {
    std::shared_ptr<const Directory> directory;
    std::vector<std::string> names;
    bool reading = true;  // this part uses the reader, and the reader has not ended
    int error = 0;        // errno of the failed read of the directory; 0: none
  };

  Walk(const Walk& whole, Frame frame);
  std::optional<Input> StartRoot();
  std::optional<Input> StartList(const struct stat& status);
  std::optional<Input> ReadEntry();
  static const char* ReadName(Frame* frame);
  std::optional<Input> Visit(const std::shared_ptr<const Directory>& directory, const char* name);
  std::optional<Input> Enter(std::shared_ptr<const Directory> parent, const char* name,
                             const std::string& relative, const struct stat& status);
  Input Skipped(const std::string& relative, std::string reason) const {
    return inputs_.Skipped(relative, std::move(reason));
  }
  Input Failed(const std::string& relative, s3::ErrorKind kind, std::string message) const {
    auto failed = inputs_.Failed(relative, kind, std::move(message));
    // What cannot be read may be a directory.
    failed.hides_inputs = kind == s3::ErrorKind::kLocal;
    return failed;
  }
  const SourceRoot& root() const { return inputs_.root(); }

  RootInputs inputs_;  // of root()
  std::stop_token stop_;
  std::size_t next_root_ = 0;
  std::size_t root_end_;
  bool interrupted_ = false;
  std::unique_ptr<ListWalk> list_;  // of root(); null if the root has no list
  std::vector<Frame> stack_;        // the outermost directory comes first
};

}  // namespace pipeline
