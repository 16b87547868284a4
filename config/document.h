// Reads files, and parses YAML text into a tree of values with their positions. The only user of yaml-cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "s3/base/environment.h"

namespace config {

// One mistake in a file or on the command line.
struct Problem {
  std::string where;  // "job.yaml:3:5", "--set upload.concurrency" or "AWS_REGION"
  std::string what;   // what is wrong and, if it is not obvious, what to write instead
};

// A value, or all problems in the order of the file.
template <typename T>
using Loaded = tl::expected<T, std::vector<Problem>>;

struct Entry;

// A value of the tree. A scalar is a text, because the schema, not YAML, decides how to read "no" or "010".
struct Value {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  std::string where;  // its position, as in Problem
  std::string text;
  // The text before ${NAME} was replaced; empty if no variable was replaced.
  std::string written;
  // For --set: the literal part of the text, without variables. Every user of the machine can read it on the
  // command line.
  std::string argument;
  std::vector<Value> items;
  std::vector<Entry> entries;  // in the order of the file; keys are unique
  bool refused = false;        // a problem was reported already, so do not report a second one

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

// Parses one document. Refuses features that make job files ambiguous or expand to huge data: duplicate keys,
// anchors, aliases, merge keys, tags, several documents, more than 1 MiB, nesting deeper than 16, bytes that
// are not UTF-8. Replaces ${VAR} and ${VAR:-default} in values, and "$${" by "${". Continues after a problem
// if it can, so that all problems are reported together.
Document ParseDocument(std::string_view text, const std::string& name, const s3::Environment& environment);

// Splits "[a, 'b, c']" into its texts, for --set. Not YAML, in which the glob *.csv would be an alias.
// Returns nothing if `text` is something else, for example the glob "[ab]*". The glob "[ab]" must be written
// "['[ab]']", because "[ab]" is a list of one text.
std::optional<std::vector<std::string>> SplitTextList(std::string_view text);

struct Expanded {
  std::string text;
  std::string literal;         // the text without the values of variables, but with all defaults
  bool has_variables = false;  // true if a variable was set and replaced by its value
};

// Replaces ${VAR} in one text. Adds problems to `*problems` with the position `where`.
Expanded ExpandVariables(std::string_view text, const s3::Environment& environment, const std::string& where,
                         std::vector<Problem>* problems);

// Returns the text of a file. If `path` is a directory or cannot be read, returns a problem. Reads at most
// one byte more than ParseDocument() accepts. Blocks until a FIFO has ended.
Loaded<std::string> ReadTextFile(const std::string& path);
// The same for standard input, which is named kStandardInput in messages. A second call finds nothing.
Loaded<std::string> ReadStandardInput();
inline constexpr char kStandardInput[] = "<stdin>";

}  // namespace config
