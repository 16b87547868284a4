// The reference of the job file, made from the loader's own table. config/REFERENCE.md is its output; a test
// compares the two.
#pragma once

#include <string>

namespace config {

// Returns the Markdown text: type, default, meaning and an example of each key. Names a key that has no
// meaning in descriptions.cc as "undescribed", which the test refuses. Pure.
std::string Reference();

}  // namespace config
