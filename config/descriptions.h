// Describes each key of a job file in words. config/reference.h puts the text beside type and default.
#pragma once

#include <span>

namespace config {

struct Description {
  const char* key;      // as AllKeys() names it: "upload.part_size", "source[].path"
  const char* meaning;  // one or two sentences
  const char* example;  // a YAML value
};

std::span<const Description> Descriptions();

}  // namespace config
