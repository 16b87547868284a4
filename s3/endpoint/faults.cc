#include "s3/endpoint/faults.h"

#include "s3/glob.h"

namespace s3::endpoint {

std::optional<FaultRule> FaultPlan::Next(const std::string& operation, const std::string& key) {
  if (rules_.empty()) return std::nullopt;
  int attempt;
  {
    std::lock_guard lock(mutex_);
    attempt = ++attempts_[{operation, key}];
  }
  for (const auto& rule : rules_) {
    if ((rule.operation == "*" || rule.operation == operation) && attempt >= rule.first_attempt &&
        attempt <= rule.last_attempt && GlobMatches(rule.key, key)) {
      return rule;
    }
  }
  return std::nullopt;
}

}  // namespace s3::endpoint
