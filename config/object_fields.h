// The keys of the section `object` and of its rules.
#pragma once

#include <string>
#include <vector>

#include "config/field.h"
#include "pipeline/options.h"
#include "s3/base/secret.h"

namespace config {

std::vector<Field> ObjectFields(pipeline::ObjectOptions* options);
// Checks conditions that involve several keys.
void CheckObject(const Value& section, const pipeline::ObjectOptions& options,
                 std::vector<Problem>* problems);

// A text that came from the environment, completely or in part: it may be a secret.
struct FromEnvironment {
  s3::Secret text;
  std::string written;  // the text before its variables were replaced: "Bearer ${TOKEN}"
};
// Returns all such texts of a section, in the order of the file.
std::vector<FromEnvironment> ReadFromEnvironment(const Value& section);
// Hide replaces such texts in the options by placeholders. After the options were shown, ShowVariables
// replaces the placeholders by the variables and, with `with_digits`, by check digits that differ if the
// texts differ.
void Hide(const std::vector<FromEnvironment>& texts, pipeline::ObjectOptions* options);
std::string ShowVariables(const std::vector<FromEnvironment>& texts, bool with_digits, std::string shown);

}  // namespace config
