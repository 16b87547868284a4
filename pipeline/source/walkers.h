// Walks with several threads. One thread starts the walk and splits off subtrees while consumers wait for
// inputs.
#pragma once

#include <functional>

#include "pipeline/message.h"
#include "pipeline/source/walk.h"

namespace pipeline {

// How much input the consumer needs.
enum class Backpressure {
  kStop,       // nothing: the walk ends
  kSaturated,  // it has enough for now
  kStarving,   // it waits for the walk
};

// Takes an input. May block the thread that calls it.
using Yield = std::function<Backpressure(Input)>;

// Finds inputs and passes each to its argument once, in any order. Returns false when the argument returned
// kStop.
using Finder = std::function<bool(const Yield&)>;

// Passes each input of `walk` to `yield`. Blocks. Returns true after the last input, false when `yield`
// returned kStop. The calling thread walks, too. More threads start when there are parts for them, up to
// Walk::threads(); if the system refuses more threads, the walk continues with fewer. All these threads call
// `yield`, at the same time. Rethrows the first exception of any of them.
bool WalkInThreads(Walk walk, const Yield& yield);

// Returns WalkInThreads() as a Finder. Call that Finder only once.
Finder FinderOf(Walk walk);

}  // namespace pipeline
