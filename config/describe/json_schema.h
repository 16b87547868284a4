// Writes a JSON Schema of the job file and of the faults file from the loader's tables, for editors and
// validators.
#pragma once

#include <string>

namespace config {

// Return a schema of draft 7, indented, without a newline at its end
// (https://json-schema.org/draft-07/json-schema-validation). It accepts every file that the loader accepts
// without
// --set. A schema does not see conditions between several keys, the bounds of values with units, what an
// address or a profile does not support, features of YAML, and variables that are not set.
std::string JobSchema();
std::string FaultsSchema();

}  // namespace config
