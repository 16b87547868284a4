// A walk by several threads: one walks, and gives parts of it away as long as what it finds is waited for.
#pragma once

#include <functional>

#include "pipeline/message.h"
#include "pipeline/source/walk.h"

namespace pipeline {

enum class Backpressure {
  kStop,       // the walk ends
  kSaturated,  // there is enough for now
  kStarving,   // the walk is what is waited for
};

// Yields what `walk` finds, each once, in any order. Called by up to Walk::threads() threads at once, which
// it may block.
using Yield = std::function<Backpressure(Input)>;

// Finds inputs and yields each once; false when a yield has answered kNone.
using Finder = std::function<bool(const Yield&)>;

// Returns true once all is found, false when a yield has answered kNone. The calling thread walks, too;
// others are begun when there is a part for them, and fewer of them when the system gives no more. Throws
// what `yield` or a lack of memory threw in any of them.
bool WalkInThreads(Walk walk, const Yield& yield);
Finder FinderOf(Walk walk);

}  // namespace pipeline
