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
  // Not for a command line, whose arguments everybody on the machine can read.
  bool secret = false;
};

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
