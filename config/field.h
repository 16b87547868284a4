// One key of a mapping: how it is read, checked and shown; and how a mapping is read into fields.
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
  // For people and for REFERENCE.md: "integer, 1 to 4096", "sha256, unsigned or streaming". Never empty.
  std::string type;
  // Takes a value over; the answer is what is wrong with it. Exactly one of the three is set: text,
  // a list of texts, or any value, whose reader finds its problems itself.
  std::function<MaybeProblem(const std::string&)> set;
  std::function<MaybeProblem(const std::vector<std::string>&)> set_list;
  std::function<void(const Value& value, const std::string& name, std::vector<Problem>*)> read;
  // The effective value as YAML; secrets redacted.
  std::function<std::string()> show;
  // Whether the value was given, where that is more than to differ from the default: an empty text
  // in a rule takes a property away. Not set for most.
  std::function<bool()> given = nullptr;
  // Set for a secret: whether `literal`, a value without what comes out of the environment, holds any of it.
  // A secret is never shown, and not taken from a command line, which everybody on the machine can read and
  // which the records of a run keep.
  std::function<bool(std::string_view literal)> holds_secret = nullptr;
};

// Reads a mapping into fields: unknown keys, wrong kinds and refused values become problems, which say
// "${NAME}" instead of a value that came out of the environment.
// `path` is what stands before a key in messages ("upload"), `elsewhere` are full names of keys
// that a misplaced one may have meant.
void ReadFields(const Value& mapping, const std::string& path, const std::vector<Field>& fields,
                const std::vector<std::string>& elsewhere, std::vector<Problem>* problems);

// "; did you mean 'x'?" for the nearest of `candidates`, or nothing.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

// `text` as a YAML scalar that this loader reads back as the same text; nothing in it drives a terminal.
// `keeps_variables`: it is a text of a file, whose "${NAME}" are meant.
std::string YamlScalar(std::string_view text, bool keeps_variables = false);

// A few digits by which two values can be told apart, for what is not to be recorded. So short that they
// give next to nothing away: 16 bits, in all records together.
std::string CheckDigits(std::string_view secret);

}  // namespace config
