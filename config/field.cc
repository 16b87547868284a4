#include "config/field.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

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

void ReadField(const Field& field, const Value& value, const std::string& name,
               std::vector<Problem>* problems) {
  const auto report = [&](const std::string& what) {
    problems->push_back({value.where, fmt::format("{}: {}", name, what)});
  };
  if (value.refused) return;
  if (field.read) return field.read(value, name, problems);
  if (value.kind == Value::Kind::kNull) return report("has no value");
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

}  // namespace

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
      ReadField(*field, entry.value, path + "." + entry.key, problems);
    }
  }
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = 3;
  for (const auto& candidate : candidates) {
    // A full name ("retry.cap") is compared by its last part: the key may be right and misplaced.
    const auto last = std::string_view(candidate).substr(candidate.rfind('.') + 1);
    const auto distance = EditDistance(word, last);
    if (distance < best_distance && distance < std::max(word.size(), last.size()) / 2 + 1) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : fmt::format("; did you mean '{}'?", best);
}

std::string YamlScalar(std::string_view text) {
  const bool plain =
      !text.empty() && text != "~" && text != "null" && text != "Null" && text != "NULL" &&
      std::all_of(text.begin(), text.end(),
                  [](unsigned char c) {
                    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '/' || c == '-';
                  }) &&
      text.front() != '-';
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '$' && i + 1 < text.size() && text[i + 1] == '{') quoted += '$';
    if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace config
