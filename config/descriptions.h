// Describes each key of a job file in words, for config/reference.h.
#pragma once

#include <span>

namespace config {

struct Description {
  const char* key;      // as AllKeys() names it: "upload.part_size", "source[].path"
  const char* meaning;  // a few sentences
  const char* example;  // a YAML value
};

std::span<const Description> Descriptions();
// The same for the keys of a faults file, which AllKeys() leaves out: "faults[].action".
std::span<const Description> FaultDescriptions();

}  // namespace config
