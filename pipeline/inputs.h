// The job's roots, as what the source takes: directories to walk, and streams.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/object.h"
#include "pipeline/options.h"

namespace pipeline {

struct Inputs {
  std::vector<SourceRoot> roots;  // without the streams
  std::vector<std::shared_ptr<Object>> streams;
};

// `key_prefix` is put before every key. Opens nothing.
Inputs InputsOf(const Options& options, const std::string& key_prefix);

}  // namespace pipeline
