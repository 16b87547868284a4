#include "pipeline/cli/documents/completion.h"

namespace cli {

ValueKind ValueKindOf(const ArgumentText& argument) {
  const auto& value = argument.value;
  if (value.empty()) return ValueKind::kFlag;
  if (!argument.choices.empty()) return ValueKind::kChoice;
  if (value == "KEY=VALUE") return ValueKind::kJobKey;
  if (value == "DIR" || value.ends_with("_DIR")) return ValueKind::kDirectory;
  if (value == "FILE" || value.ends_with(".yaml")) return ValueKind::kFile;
  return ValueKind::kOther;
}

}  // namespace cli
