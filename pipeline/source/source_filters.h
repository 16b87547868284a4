// Which names the globs of a source root exclude. Pure functions.
#pragma once

#include <string_view>

#include "pipeline/options.h"

namespace pipeline {

// Return true if the root's `exclude` or `include` leaves the entry out. `relative`: its path below the root,
// without a slash at the end. An excluded directory is not entered.
bool ExcludesFile(const SourceRoot& root, std::string_view relative);
bool ExcludesDirectory(const SourceRoot& root, std::string_view relative);

}  // namespace pipeline
