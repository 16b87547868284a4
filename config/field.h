// One key of a mapping (how to read, check and show its value), and reading a mapping into such fields.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace config {

using MaybeProblem = std::optional<std::string>;

struct Field {
  std::string name;
  // For messages and REFERENCE.md: "integer, 1 to 4096", "keep \| drop" (REFERENCE.md is Markdown). Never
  // empty.
  std::string type;
  // Exactly one of the three is set: it stores a text, a list of texts, or any value. The first two return
  // what is wrong with the value; `read` adds its problems itself.
  std::function<MaybeProblem(const std::string&)> set;
  std::function<MaybeProblem(const std::vector<std::string>&)> set_list;
  std::function<void(const Value& value, const std::string& name, std::vector<Problem>*)> read;
  // Returns the current value as YAML, with secrets redacted.
  std::function<std::string()> show;
  // Returns whether the value was given. Set only if a given value may equal the default: in a rule, an empty
  // text removes a property.
  std::function<bool()> given = nullptr;
  // Set for a secret: returns whether `literal`, a value without the text of variables, contains a part of
  // it. A secret is never shown. It is not accepted on the command line, which every user of the machine can
  // read and which a run records.
  std::function<bool(std::string_view literal)> holds_secret = nullptr;
};

// Reads a mapping into fields. Unknown keys, values of a wrong kind and invalid values become problems. Their
// messages show "${NAME}" instead of a value from the environment. `path` precedes the key in messages
// ("upload"). `elsewhere` has the full names of the keys of other sections, for "did you mean".
void ReadFields(const Value& mapping, const std::string& path, const std::vector<Field>& fields,
                const std::vector<std::string>& elsewhere, std::vector<Problem>* problems);

// Returns "; did you mean 'x'?" for the candidate that is most similar; empty if none is similar.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

// Returns `text` as a YAML scalar that this loader reads back as the same text, without characters that
// control a terminal. With `keeps_variables`, "${NAME}" in it stays a variable.
std::string YamlScalar(std::string_view text, bool keeps_variables = false);

// Returns four hex digits by which two values can be told apart in records that must not contain them. They
// reveal at most 16 bits of the value, in all records together.
std::string CheckDigits(std::string_view secret);

}  // namespace config
