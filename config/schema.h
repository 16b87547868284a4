// The keys of the files that s3flow reads: one table says how each is read, checked and shown.
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

// All sections of a job but `source`, bound to the options they fill.
std::vector<Section> JobSections(s3::Options* s3_options, pipeline::Options* options);
// One entry of the list `source`.
std::vector<Field> SourceFields(pipeline::SourceRoot* root);
// One entry of the list `faults` of a faults file.
std::vector<Field> FaultFields(s3::endpoint::FaultRule* rule);

}  // namespace config
