// YAML text as a tree of values that know where they stand. The only file that uses yaml-cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/environment.h"

namespace config {

// One mistake in a file or on the command line.
struct Problem {
  std::string where;  // "job.yaml:3:5" or "--set upload.concurrency"
  std::string what;
};

struct Entry;

// Scalars are text: the schema, and not YAML, decides what "no" or "010" means.
struct Value {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  std::string where;
  std::string text;
  // How the text was written, when variables of the environment were read into it; empty when none were.
  std::string written;
  // Of --set: what of the text stands on the command line itself, which everybody on the machine can read.
  std::string argument;
  std::vector<Value> items;
  std::vector<Entry> entries;  // in the order of the file; keys are unique
  bool refused = false;        // a problem was reported: reading it would only add a second one

  const Value* Find(std::string_view key) const;
};

struct Entry {
  std::string key;
  std::string where;
  Value value;
};

// "a mapping", "a list", "text", "nothing": for messages.
std::string_view KindName(Value::Kind kind);

struct Document {
  Value root;
  std::vector<Problem> problems;
};

// Reads one document. Refuses what makes job files ambiguous or explosive: duplicate keys, anchors,
// aliases, merge keys, tags, several documents, more than 1 MiB, nesting deeper than 16, bytes that
// are no UTF-8. Replaces ${VAR} and ${VAR:-default} in values; "$${" stands for "${". Collects all
// problems that it can go on after.
Document ParseDocument(std::string_view text, const std::string& name, const s3::Environment& environment);

struct Expanded {
  std::string text;
  std::string literal;         // what it was written with besides variables; all defaults, used or not
  bool has_variables = false;  // that are set
};

// Replaces ${VAR} in one text; problems go to `problems` under `where`.
Expanded ExpandVariables(std::string_view text, const s3::Environment& environment, const std::string& where,
                         std::vector<Problem>* problems);

}  // namespace config
