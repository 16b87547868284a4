// Finds the directories of finished runs that are old, and removes them. Blocks on the file system.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "s3/base/result.h"

namespace pipeline {

struct OldRunsRule {
  std::chrono::seconds min_age{0};  // since the end of the run
  bool failed_too = false;          // also runs that ended with failures
  bool dry_run = false;             // only say what would be removed
};

struct OldRuns {
  std::vector<std::string> removed;                         // names in the directory, in alphabetical order
  std::vector<std::pair<std::string, std::string>> kept;    // run directories, and why they were kept
  std::vector<std::pair<std::string, std::string>> failed;  // could not be removed in full, and why
  std::uint64_t others = 0;                                 // entries that are no run directories
  std::uint64_t bytes = 0;                                  // of the removed files
};

// Looks at each entry of `parent`, not deeper. Keeps a run that is active or has work left, a run with
// failures unless the rule says otherwise, a plan, a run whose end is not recorded, and a directory with any
// file that s3flow does not write into a run directory. Takes the lock of a run before it removes the
// directory, so that no session can begin in it. `parent` is not removed. Fails if `parent` cannot be read.
s3::Result<OldRuns> RemoveOldRuns(const OwnDir& parent, const OldRunsRule& rule);

}  // namespace pipeline
