#include "pipeline/cli/documents/job_keys.h"

#include "config/reference.h"

namespace cli {

std::vector<std::string> ChoicesOfType(std::string_view type) {
  if (type == "true or false") return {"true", "false"};
  constexpr std::string_view kBetween = " | ";
  std::vector<std::string> choices;
  if (type.find(kBetween) == std::string_view::npos) return choices;
  for (std::string_view rest = type;;) {
    const auto end = rest.find(kBetween);
    choices.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) return choices;
    rest = rest.substr(end + kBetween.size());
  }
}

std::vector<JobKey> JobKeys() {
  std::vector<JobKey> keys;
  for (const auto& section : config::JobReference()) {
    if (section.name.ends_with("[]")) continue;
    for (const auto& key : section.keys) {
      keys.push_back({section.name + "." + key.name, ChoicesOfType(key.type)});
    }
  }
  return keys;
}

}  // namespace cli
