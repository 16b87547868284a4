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

// A text that came from the environment, completely or in part, and so may be a secret.
struct FromEnvironment {
  s3::Secret text;
  std::string written;  // the text before its variables were replaced: "Bearer ${TOKEN}"
};
// Returns all texts of a section that came from the environment, in the order of the file.
std::vector<FromEnvironment> ReadFromEnvironment(const Value& section);
// Hide replaces such texts in the options by placeholders. ShowVariables replaces the placeholders in the
// shown options by the variables. With `with_digits`, it adds check digits of the hidden text.
void Hide(const std::vector<FromEnvironment>& texts, pipeline::ObjectOptions* options);
std::string ShowVariables(const std::vector<FromEnvironment>& texts, bool with_digits, std::string shown);

}  // namespace config
