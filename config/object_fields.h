// The keys of the section `object` and of its rules.
#pragma once

#include <string>
#include <vector>

#include "config/field.h"
#include "pipeline/options.h"
#include "s3/base/secret.h"

namespace config {

std::vector<Field> ObjectFields(pipeline::ObjectOptions* options);
// What its keys cannot have together.
void CheckObject(const Value& section, const pipeline::ObjectOptions& options,
                 std::vector<Problem>* problems);

// A text that came out of the environment, all of it or a part: it may be a secret.
struct FromEnvironment {
  s3::Secret text;
  std::string written;  // with its variables: "Bearer ${TOKEN}"
};
// All of a section, in the order of the file.
std::vector<FromEnvironment> ReadFromEnvironment(const Value& section);
// Puts placeholders in the place of such texts; ShowVariables then puts the variables there, in what was
// shown of the options, and on demand digits that differ when the text does.
void Hide(const std::vector<FromEnvironment>& texts, pipeline::ObjectOptions* options);
std::string ShowVariables(const std::vector<FromEnvironment>& texts, bool with_digits, std::string shown);

}  // namespace config
