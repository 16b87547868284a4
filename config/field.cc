#include "config/field.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "s3/base/printable.h"
#include "s3/hash/hash.h"

namespace config {
namespace {

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row.back();
}

void Replace(std::string* text, const std::string& from, const std::string& to) {
  for (auto at = text->find(from); at != std::string::npos; at = text->find(from, at + to.size())) {
    text->replace(at, from.size(), to);
  }
}

// Replaces values of variables by "${NAME}" in `(*problems)[first]` and all later problems.
void Unexpand(const Value& value, std::size_t first, std::vector<Problem>* problems) {
  constexpr std::size_t kMinUnquoted = 6;  // shorter values may be parts of other words in a message
  for (auto i = first; i < problems->size() && !value.written.empty(); ++i) {
    auto& what = (*problems)[i].what;
    Replace(&what, "'" + value.text + "'", "'" + value.written + "'");
    if (value.text.size() >= kMinUnquoted) Replace(&what, value.text, value.written);
  }
  for (const auto& item : value.items) Unexpand(item, first, problems);
  for (const auto& entry : value.entries) Unexpand(entry.value, first, problems);
}

void ReadField(const Field& field, const Value& value, const std::string& name,
               std::vector<Problem>* problems) {
  if (field.holds_secret && field.holds_secret(value.argument)) {
    problems->push_back(
        {value.where,
         "every user of this machine can read a command's arguments: write the name of a variable "
         "as '${NAME}' in single quotes, or put the value into the job file"});
    return;
  }
  const auto report = [&](const std::string& what) {
    problems->push_back({value.where, fmt::format("{}: {}", name, what)});
  };
  if (value.refused) return;
  if (field.read) return field.read(value, name, problems);
  if (value.kind == Value::Kind::kNull) return report("has no value: write one, or remove the key");
  if (field.set) {
    if (value.kind != Value::Kind::kScalar)
      return report(fmt::format("must be text, not {}", KindName(value.kind)));
    if (const auto problem = field.set(value.text)) report(*problem);
    return;
  }
  std::vector<std::string> texts;
  if (value.kind == Value::Kind::kScalar) texts.push_back(value.text);
  if (value.kind == Value::Kind::kMapping) return report("must be text or a list of texts, not a mapping");
  for (const auto& item : value.items) {
    if (item.refused) continue;
    if (item.kind != Value::Kind::kScalar) {
      problems->push_back({item.where, fmt::format("{}: must be text, not {}", name, KindName(item.kind))});
      continue;
    }
    texts.push_back(item.text);
  }
  if (const auto problem = field.set_list(texts)) report(*problem);
}

bool NeedsNoQuotes(std::string_view text) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '/' || c == '-';
  };
  const bool is_null = text == "~" || text == "null" || text == "Null" || text == "NULL";
  return !text.empty() && !is_null && text.front() != '-' && std::all_of(text.begin(), text.end(), is_plain);
}

// Returns the shortest escape sequence for a character in a double-quoted YAML scalar.
std::string EscapedCharacter(std::uint32_t number) {
  if (number < 0x100) return fmt::format("\\x{:02x}", number);
  if (number < 0x10000) return fmt::format("\\u{:04X}", number);
  return fmt::format("\\U{:08X}", number);
}

}  // namespace

std::vector<NamedShape> ShapesOf(const std::vector<Field>& fields) {
  std::vector<NamedShape> shapes;
  for (const auto& field : fields) shapes.push_back({field.name, field.shape});
  return shapes;
}

void ReadFields(const Value& mapping, const std::string& path, const std::vector<Field>& fields,
                const std::vector<std::string>& elsewhere, std::vector<Problem>* problems) {
  if (mapping.kind != Value::Kind::kMapping) {
    problems->push_back(
        {mapping.where, fmt::format("{}: must be a mapping, not {}", path, KindName(mapping.kind))});
    return;
  }
  std::vector<std::string> candidates;
  for (const auto& field : fields) candidates.push_back(field.name);
  candidates.insert(candidates.end(), elsewhere.begin(), elsewhere.end());
  for (const auto& entry : mapping.entries) {
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == entry.key; });
    if (field == fields.end()) {
      problems->push_back({entry.where, fmt::format("{}: unknown key '{}'{}", path, entry.key,
                                                    DidYouMean(entry.key, candidates))});
    } else {
      const auto before = problems->size();
      ReadField(*field, entry.value, path + "." + entry.key, problems);
      Unexpand(entry.value, before, problems);
    }
  }
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = 3;
  for (const auto& candidate : candidates) {
    // Compares only the last part of a full name ("retry.cap"), because a right key may be in the wrong
    // section.
    const auto last = std::string_view(candidate).substr(candidate.rfind('.') + 1);
    const auto distance = EditDistance(word, last);
    if (distance < best_distance && distance < std::max(word.size(), last.size()) / 2 + 1) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : fmt::format("; did you mean '{}'?", best);
}

std::string YamlScalar(std::string_view text, bool keeps_variables) {
  if (NeedsNoQuotes(text)) return std::string(text);
  std::string quoted = "\"";
  while (!text.empty()) {
    const auto [code, bytes] = s3::FirstCharacter(text);
    const auto character = text.substr(0, std::max<std::size_t>(bytes, 1));
    if (character == "\"" || character == "\\") quoted += '\\';
    if (text.starts_with("${") && !keeps_variables) quoted += '$';
    if (bytes == 0) {  // not UTF-8: YAML cannot represent it; escaped, so that texts stay comparable
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (!s3::IsHidden(code)) {
      quoted += character;
    } else {
      const auto number = static_cast<std::uint32_t>(code);
      quoted += EscapedCharacter(number);
    }
    text.remove_prefix(character.size());
  }
  return quoted + "\"";
}

std::string CheckDigits(std::string_view secret) { return s3::Sha256Hex(secret).substr(0, 4); }

}  // namespace config
