// Parses YAML text into a tree of values that know their position. The only user of yaml-cpp.
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
  std::string where;  // "job.yaml:3:5", "--set upload.concurrency" or "AWS_REGION"
  std::string what;   // what is wrong and, if it is not obvious, what to write instead
};

struct Entry;

// Scalars are text: the schema, not YAML, decides what "no" or "010" means.
struct Value {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  std::string where;
  std::string text;
  // The text before ${NAME} was replaced; empty if nothing was replaced.
  std::string written;
  // For --set: the part of the text that is on the command line itself, which every user of the machine can
  // read.
  std::string argument;
  std::vector<Value> items;
  std::vector<Entry> entries;  // in the order of the file; keys are unique
  bool refused = false;        // a problem was reported already: do not report a second one

  const Value* Find(std::string_view key) const;
};

struct Entry {
  std::string key;
  std::string where;
  Value value;
};

// Returns "a mapping", "a list", "text" or "nothing", for messages.
std::string_view KindName(Value::Kind kind);

struct Document {
  Value root;
  std::vector<Problem> problems;
};

// Parses one document. Refuses what makes job files ambiguous, or expands to huge data: duplicate keys,
// anchors, aliases, merge keys, tags, several documents, more than 1 MiB, nesting deeper than 16, bytes that
// are not UTF-8. Replaces ${VAR} and ${VAR:-default} in values; "$${" means "${". Collects all problems, as
// far as it can continue after them.
Document ParseDocument(std::string_view text, const std::string& name, const s3::Environment& environment);

struct Expanded {
  std::string text;
  std::string literal;         // the text without variables, but with all their defaults, used or not
  bool has_variables = false;  // true if a variable that is set was replaced
};

// Replaces ${VAR} in one text. Adds problems to `*problems` with position `where`.
Expanded ExpandVariables(std::string_view text, const s3::Environment& environment, const std::string& where,
                         std::vector<Problem>* problems);

}  // namespace config
