// Which request meets which fault. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "s3/endpoint/options.h"

namespace s3::endpoint {

class FaultPlan {
 public:
  explicit FaultPlan(std::vector<FaultRule> rules) : rules_(std::move(rules)), matches_(rules_.size()) {}

  // Counts this request and returns the first rule that applies to it.
  std::optional<FaultRule> Next(const std::string& operation, const std::string& key);

 private:
  const std::vector<FaultRule> rules_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, int> attempts_;
  std::vector<int> matches_;  // of each rule
};

}  // namespace s3::endpoint
