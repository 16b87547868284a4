// Which names the globs of a source root exclude. Pure functions.
#pragma once

#include <string_view>

#include "pipeline/options.h"

namespace pipeline {

// Return true if the root's globs leave the entry out: a file by `exclude` or `include`, a directory by
// `exclude` only. `relative`: the entry's path below the root, without a slash at the end. An excluded
// directory is not entered.
bool ExcludesFile(const SourceRoot& root, std::string_view relative);
bool ExcludesDirectory(const SourceRoot& root, std::string_view relative);

}  // namespace pipeline
