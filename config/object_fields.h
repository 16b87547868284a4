// The keys of the section `object` and of its rules.
#pragma once

#include <vector>

#include "config/field.h"
#include "pipeline/options.h"

namespace config {

std::vector<Field> ObjectFields(pipeline::ObjectOptions* options);
// What its keys cannot have together.
void CheckObject(const Value& section, const pipeline::ObjectOptions& options,
                 std::vector<Problem>* problems);

}  // namespace config
