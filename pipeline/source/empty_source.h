// Says why a source has no input.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/options.h"

namespace pipeline {

// Returns the message for a source without any input. For each root, the message says how many entries
// its filters leave out. To count them, walks the roots that have filters once more, without the
// filters. Stops at kMaxCounted entries of a root. Blocks.
std::string EmptySourceText(const Options& options);

inline constexpr std::uint64_t kMaxCounted = 100'000;

}  // namespace pipeline
