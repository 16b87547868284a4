// A field: one key of a mapping, with functions that read, check and show its value.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace config {

using MaybeProblem = std::optional<std::string>;

struct NamedShape;

// Describes the values of a key, for config/describe/json_schema.h. A shape accepts every value that the
// loader accepts. It refuses what one value alone shows to be wrong, as far as a JSON Schema can say it.
struct Shape {
  enum class Kind {
    kText,      // any scalar; if it is a text, `pattern` must match
    kDuration,  // a text that `pattern` matches, never a number
    kInteger,   // a whole number from `minimum` to `maximum`, or a text that `pattern` matches
    kNumber,    // the same for any number
    kWord,      // one of `words`
    kTexts,     // a text or a list of texts
    kMapping,   // `properties`; if there are none, any name that `names` matches, with a text that `pattern`
                // matches
    kList       // a list of mappings with `properties`
  };
  Kind kind = Kind::kText;
  std::vector<std::string> words = {};  // words that are accepted, too
  // A regular expression of ECMA 262 for the whole text. Empty: any text.
  std::string pattern = "";
  std::string names = "";
  std::optional<std::uint64_t> minimum = {}, maximum = {};
  std::vector<NamedShape> properties;         // without "= {}", which needs the complete type
  std::string required = "";                  // the name of the property that must be there; empty for none
  std::optional<std::size_t> max_count = {};  // of names
  bool is_one_property = false;               // a mapping with exactly one property, or one of `words`
};

struct NamedShape {
  std::string name;
  Shape shape;
};

struct Field {
  std::string name;
  // For messages and REFERENCE.md: "integer, 1 to 4096", or "keep \| drop" (escaped, because REFERENCE.md is
  // Markdown). Never empty.
  std::string type;
  // Exactly one of these three functions is set. They store a text, a list of texts, or any value. `set` and
  // `set_list` return what is wrong with the value; `read` adds its problems to the list itself.
  std::function<MaybeProblem(const std::string&)> set;
  std::function<MaybeProblem(const std::vector<std::string>&)> set_list;
  std::function<void(const Value& value, const std::string& name, std::vector<Problem>*)> read;
  // Returns the current value as YAML, with secrets redacted.
  std::function<std::string()> show;
  // Returns true if the value was given. Needed only if a given value may equal the default: in a rule, an
  // empty text removes a property.
  std::function<bool()> given = nullptr;
  // Set only for keys with secrets. Returns true if `literal`, a value without the texts of variables,
  // contains a part of the secret. A secret is never shown. A literal secret is not accepted on the command
  // line, which every user of the machine can read and which a run records.
  std::function<bool(std::string_view literal)> holds_secret = nullptr;
  Shape shape = {};
};

std::vector<NamedShape> ShapesOf(const std::vector<Field>& fields);

// Reads a mapping into fields. Adds a problem for each unknown key, wrong kind of value and invalid value.
// The messages show "${NAME}" instead of a value from the environment. `path` precedes the key in messages
// ("upload"). `elsewhere` contains the full names of the keys of other sections, for "did you mean".
void ReadFields(const Value& mapping, const std::string& path, const std::vector<Field>& fields,
                const std::vector<std::string>& elsewhere, std::vector<Problem>* problems);

// Returns "; did you mean 'x'?" for the candidate that is most similar; empty if none is similar.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

// Returns `text` as a YAML scalar without characters that control a terminal. This loader reads the scalar
// back as the same text. With `keeps_variables`, "${NAME}" in `text` stays a variable.
std::string YamlScalar(std::string_view text, bool keeps_variables = false);

// Returns four hex digits of the value's SHA-256. Records that must not contain a value contain these digits,
// so that a changed value is detected. The digits reveal at most 16 bits of the value, even in many records.
std::string CheckDigits(std::string_view secret);

}  // namespace config
