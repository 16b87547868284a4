// Generates config/REFERENCE.md, the reference of the job file, from the loader's table of keys. A test
// compares the page with the output.
#pragma once

#include <string>

namespace config {

// Returns the Markdown text: type, default, meaning and an example of each key. If descriptions.cc lacks a
// key, its meaning is "undescribed", which the test refuses.
std::string Reference();

}  // namespace config
