#include "config/fallbacks.h"

#include <algorithm>
#include <utility>

namespace config {
namespace {

std::pair<std::string, std::string> SectionAndName(const std::string& key) {
  const auto dot = key.find('.');
  return {key.substr(0, dot), key.substr(dot + 1)};
}

const Value* Find(const Value& root, const std::string& key) {
  const auto [section, name] = SectionAndName(key);
  const auto* values = root.Find(section);
  return values == nullptr || values->kind != Value::Kind::kMapping ? nullptr : values->Find(name);
}

bool IsEmpty(const Value& value) {
  return value.text.empty() && value.items.empty() && value.entries.empty();
}

// Returns false if the job's section is not a mapping, which the schema reports later.
bool Put(const Fallback& fallback, Value* root) {
  const auto [section, name] = SectionAndName(fallback.key);
  auto entry = std::find_if(root->entries.begin(), root->entries.end(),
                            [&, &wanted = section](const auto& one) { return one.key == wanted; });
  if (entry == root->entries.end()) {
    Value mapping{.kind = Value::Kind::kMapping, .where = fallback.where};
    entry = root->entries.insert(entry, {section, fallback.where, std::move(mapping)});
  }
  if (entry->value.kind == Value::Kind::kNull) entry->value.kind = Value::Kind::kMapping;
  if (entry->value.kind != Value::Kind::kMapping) return false;
  Value value{.kind = Value::Kind::kScalar, .where = fallback.where};
  value.text = fallback.value;
  entry->value.entries.push_back({name, fallback.where, std::move(value)});
  return true;
}

}  // namespace

std::vector<Fallback> ApplyFallbacks(const Fallbacks& fallbacks, Value* root, std::vector<Problem>* problems,
                                     std::vector<std::string>* notes) {
  std::vector<Fallback> used;
  problems->insert(problems->end(), fallbacks.problems.begin(), fallbacks.problems.end());
  notes->insert(notes->end(), fallbacks.notes.begin(), fallbacks.notes.end());
  const Value given = *root;
  for (const auto& fallback : fallbacks.values) {
    const bool is_given = std::any_of(fallback.unless_given.begin(), fallback.unless_given.end(),
                                      [&](const auto& key) { return Find(given, key) != nullptr; });
    if (is_given || Find(*root, fallback.key) != nullptr) continue;
    const bool is_replaced =
        std::any_of(fallback.unless.begin(), fallback.unless.end(), [&](const auto& key) {
          const auto* other = Find(*root, key);
          return other != nullptr && !IsEmpty(*other);
        });
    if (is_replaced) {
      if (!fallback.unless_note.empty()) notes->push_back(fallback.unless_note);
    } else if (!fallback.problem.empty()) {
      problems->push_back({fallback.where, fallback.problem});
    } else if (Put(fallback, root)) {
      used.push_back(fallback);
    }
  }
  return used;
}

}  // namespace config
