// A walk by several threads. One thread starts the walk and splits off subtrees while consumers are starved.
#pragma once

#include <functional>

#include "pipeline/message.h"
#include "pipeline/source/walk.h"

namespace pipeline {

// How much the consumer needs.
enum class Backpressure {
  kStop,       // nothing: the walk ends
  kSaturated,  // it has enough for now
  kStarving,   // it waits for the walk
};

// Takes an input. May block the thread that calls it.
using Yield = std::function<Backpressure(Input)>;

// Finds inputs and yields each once, in any order. Returns false when a yield returned kStop.
using Finder = std::function<bool(const Yield&)>;

// Yields what `walk` finds. Returns true once everything was found, false when a yield returned kStop. The
// calling thread walks, too. More threads start when there are parts for them, up to Walk::threads(); fewer
// when the system refuses to start more. `yield` is called by all of them at once. Throws what `yield`, or a
// lack of memory, threw in any of them.
bool WalkInThreads(Walk walk, const Yield& yield);

// The same as a Finder, for a single call.
Finder FinderOf(Walk walk);

}  // namespace pipeline
