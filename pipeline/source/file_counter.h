// Counts the files of a source and their bytes, long before a walk has found them all.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "pipeline/options.h"
#include "pipeline/progress.h"

namespace pipeline {

// Returns about how many inputs a walk of `roots` yields, and their total size. Reads the sizes of the first
// kMaxSizes files only, to limit the load on a file server, and assumes their mean size for the others. The
// result differs from the walk if follow_symlinks is on, because a link counts as an empty file. It also
// differs if the source contains directories of s3flow, because the walk does not enter them. An entry that
// can't be read counts as one input or not at all.
//
// A list counts as many inputs as it has names, of unknown sizes, so the size of all is then 0. Nothing is
// returned for a list that can be read only once.
//
// Blocks. Keeps one directory open for each level of the tree. Returns nothing if `stop` returned true, if
// the tree is deeper than kMaxLevels, if no descriptor is free, or if a file system without entry types
// (DT_UNKNOWN) has more than kMaxSizes entries, or if more than kMaxSizes sizes or times must be compared
// with filters.
std::optional<Work> CountFiles(const std::vector<SourceRoot>& roots, const std::function<bool()>& stop);

inline constexpr std::uint64_t kMaxSizes = 1'000'000;
inline constexpr std::size_t kMaxLevels = 32;

}  // namespace pipeline
