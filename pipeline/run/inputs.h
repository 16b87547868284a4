// The job's inputs as the source takes them: what is walked or planned, and streams; of a shard, its own.
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
  Finder find;  // all but the streams
  std::vector<std::shared_ptr<Object>> streams;
  // True as many times as `find` would find something: to learn whether there are more than so many, before
  // all are found. Not thread-safe.
  std::function<bool()> one_more;
};

// What this command writes, as far as it is there: its run directory, its plan, its trace.
OwnFiles OwnFilesOf(const Options& options);

// `key_prefix` is put before every key. Opens nothing. Ends early once `stop` is requested.
Inputs InputsOf(const Options& options, const std::string& key_prefix, std::stop_token stop);

// Why there can be none: a root that cannot be looked at, a manifest that is damaged. Nothing when there can.
std::optional<std::string> InputProblem(const Options& options);

}  // namespace pipeline
