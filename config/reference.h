// Describes every key of the files that s3flow reads, from the loader's tables of keys. config/REFERENCE.md,
// the manual page s3flow.yaml(5) and the completion of --set are written from it.
#pragma once

#include <string>
#include <vector>

namespace config {

// One key. All texts are Markdown, as descriptions.cc has them.
struct ReferenceKey {
  std::string name;           // without the section: "part_size"
  std::string type;           // "integer, 1 to 4096", or "keep | drop"
  std::string default_value;  // as YAML
  std::string meaning;        // "undescribed" if descriptions.cc lacks the key, which a test refuses
  std::string example;        // a YAML value
};

struct ReferenceSection {
  std::string name;  // "source[]" for the entries of the list `source`
  std::vector<ReferenceKey> keys;
};

// Returns the sections of a job file, and the one list of a faults file.
std::vector<ReferenceSection> JobReference();
ReferenceSection FaultsReference();

// Return the paragraphs about the syntax of all values, and about faults files.
std::string ValueSyntax();
std::string FaultsSyntax();

// Returns the text of config/REFERENCE.md. A test compares the two.
std::string Reference();

}  // namespace config
