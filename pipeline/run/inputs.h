// The inputs of a run: files from a walk or a plan's manifest, and streams. A shard gets only its own inputs.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/options.h"
#include "pipeline/run/input_estimate.h"
#include "pipeline/source/walkers.h"
#include "pipeline/upload/object.h"

namespace pipeline {

struct Inputs {
  Finder find;  // finds all inputs except the streams
  std::vector<std::shared_ptr<Object>> streams;
  // Returns true once for each input that `find` would find, then false. Leaves out names from standard input
  // and FIFOs, which can be read only once. So a caller can learn whether there
  // are more inputs than a given number, without finding all of them. Not thread-safe.
  std::function<bool()> one_more;
  // Counts approximately the inputs that `find` would find, and their bytes. Any thread.
  CountInputs count;
};

// Returns the existing files and directories that this command itself writes: run directory, plan, trace. The
// walk leaves them out.
OwnFiles OwnFilesOf(const Options& options);

// Returns true if the inputs are those of a plan's manifest, so that the source is not walked.
bool HasManifest(const Options& options);

// Returns the inputs of a run. Opens nothing before `find` is called. `key_prefix` is put before every key.
// When `stop` is requested, `find` ends early.
Inputs InputsOf(const Options& options, const std::string& key_prefix, std::stop_token stop);

// Returns why the inputs cannot be found: a root that cannot be read, or a damaged manifest. Returns nothing
// if they can be found.
std::optional<std::string> InputProblem(const Options& options);

}  // namespace pipeline
