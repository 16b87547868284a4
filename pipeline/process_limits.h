// How much a run may do at once within the limits of its process: open files and addresses (getrlimit(2)).
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/options.h"
#include "pipeline/slots.h"
#include "s3/result.h"

namespace pipeline {

// What this process may still take; nothing where there is no limit.
struct ProcessLimits {
  std::optional<std::uint64_t> descriptors;
  std::optional<std::uint64_t> address_bytes;
};

// Of RLIMIT_NOFILE and RLIMIT_AS, less what is in use: a launcher may have left descriptors open.
ProcessLimits ReadProcessLimits();

// What a run does at once.
struct RunSize {
  SlotLimits slots;
  std::uint64_t memory_bytes = 0;  // of all bodies
};

// Makes `size` small enough for `limits`. kLocal, with a message for a person, when not even the smallest run
// fits. A slot takes a file, a connection and a stack; with several loops idle connections of one add to those in
// use of another.
s3::Result<RunSize> FitInto(const ProcessLimits& limits, int event_loops, RunSize size);

}  // namespace pipeline
