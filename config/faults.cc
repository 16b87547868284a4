#include "config/faults.h"

#include <fmt/format.h>

#include "config/schema.h"

namespace config {

using s3::endpoint::FaultRule;

Loaded<std::vector<FaultRule>> ParseFaults(std::string_view text, const std::string& name,
                                           const s3::Environment& environment) {
  auto [root, problems] = ParseDocument(text, name, environment);
  std::vector<FaultRule> rules;
  const auto* list = root.Find("faults");
  if (problems.empty() &&
      (list == nullptr || list->kind != Value::Kind::kSequence || root.entries.size() != 1)) {
    problems.push_back({root.where, "a faults file must have one key, 'faults', with a list of rules"});
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  for (const auto& item : list->items) {
    auto& rule = rules.emplace_back();
    ReadFields(item, "faults", FaultFields(&rule), {}, &problems);
    if (item.kind == Value::Kind::kMapping && item.Find("action") == nullptr) {
      problems.push_back({item.where, "faults: this rule has no action: add one"});
    }
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return rules;
}

Loaded<std::vector<FaultRule>> LoadFaults(const std::string& path, const s3::Environment& environment) {
  return ReadTextFile(path).and_then(
      [&](const std::string& text) { return ParseFaults(text, path, environment); });
}

}  // namespace config
