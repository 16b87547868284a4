// Finds the inputs below the source's roots with several threads. One thread starts the walk (walk.h). While
// consumers wait for inputs, parts of the walk are split off for more threads.
#pragma once

#include <functional>

#include "pipeline/message.h"
#include "pipeline/source/walk.h"

namespace pipeline {

// How much input the consumer needs.
enum class Backpressure {
  kStop,       // the consumer takes no more inputs: the walk must end
  kSaturated,  // the consumer has enough inputs for now
  kStarving,   // the consumer waits for inputs
};

// Passes an input to the consumer. May block the calling thread.
using Yield = std::function<Backpressure(Input)>;

// Finds inputs, and passes each input once to the Yield function, in any order. Returns false if that
// function returned kStop.
using Finder = std::function<bool(const Yield&)>;

// Passes each input of `walk` to `yield`. Blocks. Returns true after the last input, false if `yield`
// returned kStop or Walk::interrupted(). The calling thread walks, too. While `yield` returns kStarving,
// parts are split off for more threads, up to Walk::threads(). If the system starts no more threads, the walk
// continues with fewer threads. Several threads may call `yield` at the same time. If a thread throws,
// rethrows the first exception.
bool WalkInThreads(Walk walk, const Yield& yield);

// Returns a Finder that calls WalkInThreads() with `walk`. Call that Finder only once.
Finder FinderOf(Walk walk);

}  // namespace pipeline
