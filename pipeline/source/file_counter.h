// Counts the files of a source and their bytes, long before a walk has found them all.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "pipeline/options.h"
#include "pipeline/progress.h"

namespace pipeline {

// Returns about how many inputs a walk of `roots` yields, and their bytes. Asks for the sizes of the first
// kMaxSizes files only, to limit the load of a file server; the others have the mean size of those. The
// result differs from the walk if links lead to directories or large files, or if the source contains
// directories of s3flow. Entries that can't be read count as one input, or not at all.
//
// Blocks. Keeps one directory open for each level of the tree. Returns nothing if `stop` returned true, if
// the tree is deeper than kMaxLevels, if no descriptor is free, or if a file system without entry types
// (DT_UNKNOWN) has more than kMaxSizes entries.
std::optional<Work> CountFiles(const std::vector<SourceRoot>& roots, const std::function<bool()>& stop);

inline constexpr std::uint64_t kMaxSizes = 1'000'000;
inline constexpr std::size_t kMaxLevels = 32;

}  // namespace pipeline
