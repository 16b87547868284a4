// All keys of the files that s3flow reads, as tables: how each key is read, checked and shown.
#pragma once

#include <string>
#include <vector>

#include "config/field.h"
#include "pipeline/options.h"
#include "s3/endpoint/options.h"
#include "s3/options.h"

namespace config {

struct Section {
  std::string name;
  std::vector<Field> fields;
};

// Returns all sections of a job except `source`. Their fields write to the options, which must outlive them.
std::vector<Section> JobSections(s3::Options* s3_options, pipeline::Options* options);
// Returns the fields of one entry of the list `source`.
std::vector<Field> SourceFields(pipeline::SourceRoot* root);
// Returns the fields of one entry of the list `faults` in a faults file.
std::vector<Field> FaultFields(s3::endpoint::FaultRule* rule);

}  // namespace config
