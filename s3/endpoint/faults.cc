#include "s3/endpoint/faults.h"

#include "s3/glob.h"

namespace s3::endpoint {

std::optional<FaultRule> FaultPlan::Next(const std::string& operation, const std::string& key) {
  if (rules_.empty()) return std::nullopt;
  std::lock_guard lock(mutex_);
  const int attempt = ++attempts_[{operation, key}];
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto& rule = rules_[i];
    const bool matches = (rule.operation == "*" || rule.operation == operation) &&
                         attempt >= rule.first_attempt && attempt <= rule.last_attempt &&
                         GlobMatches(rule.key, key);
    if (matches && ++matches_[i] % rule.every == 0) return rule;
  }
  return std::nullopt;
}

}  // namespace s3::endpoint
