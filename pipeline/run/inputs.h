// The inputs of a run: files from a walk or a plan's manifest, and streams. A shard gets only its own.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/options.h"
#include "pipeline/source/walkers.h"
#include "pipeline/upload/object.h"

namespace pipeline {

struct Inputs {
  Finder find;  // finds all inputs except the streams
  std::vector<std::shared_ptr<Object>> streams;
  // Returns true once for each input that `find` would find, then false. Used to learn whether there are more
  // than a given number, before all are found. Not thread-safe.
  std::function<bool()> one_more;
};

// Returns the files and directories that this command itself writes, if they exist: run directory, plan,
// trace. The walk leaves them out.
OwnFiles OwnFilesOf(const Options& options);

// Opens nothing yet. `key_prefix` is put before every key. The inputs end early once `stop` is requested.
Inputs InputsOf(const Options& options, const std::string& key_prefix, std::stop_token stop);

// Returns why the inputs cannot be found: a root that cannot be read, or a damaged manifest. Nothing if they
// can.
std::optional<std::string> InputProblem(const Options& options);

}  // namespace pipeline
