// The keys of the files that s3flow reads: one table says how each is read, checked and shown.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "pipeline/options.h"
#include "s3/endpoint/options.h"
#include "s3/options.h"

namespace config {

struct Field {
  std::string name;
  // Takes a value over; the answer is what is wrong with it. Exactly one of the two is set.
  std::function<std::optional<std::string>(const std::string&)> set;
  std::function<std::optional<std::string>(const std::vector<std::string>&)> set_list;
  // The effective value as YAML; secrets redacted.
  std::function<std::string()> show;
};

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

// Reads a mapping into fields: unknown keys, wrong kinds and refused values become problems.
// `path` is what stands before a key in messages ("upload"), `elsewhere` are full names of keys
// that a misplaced one may have meant.
void ReadFields(const Value& mapping, const std::string& path, const std::vector<Field>& fields,
                const std::vector<std::string>& elsewhere, std::vector<Problem>* problems);

// "; did you mean 'x'?" for the nearest of `candidates`, or nothing.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

// `text` as a YAML scalar that this loader reads back as the same text.
std::string YamlScalar(std::string_view text);

}  // namespace config
