// Chooses the fault for a request, and changes a reply as the fault says. Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "s3/base/mutex.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"

namespace s3::endpoint {

class FaultPlan {
 public:
  explicit FaultPlan(std::vector<FaultRule> rules) : rules_(std::move(rules)), matches_(rules_.size()) {}

  // Counts this request and returns the first rule that applies to it; nothing if no rule applies.
  std::optional<FaultRule> Next(const std::string& operation, const std::string& key);

 private:
  const std::vector<FaultRule> rules_;
  Mutex mutex_;
  std::map<std::pair<std::string, std::string>, int> attempts_ S3_GUARDED_BY(mutex_);  // by operation and key
  std::vector<int> matches_ S3_GUARDED_BY(mutex_);                                     // by rule
};

// Returns true if the request is executed on the store in spite of the fault.
bool IsExecuted(const std::optional<FaultRule>& fault);

// Changes the reply as the fault says. Does nothing for faults of the connection (kNoResponse, kLostResponse,
// resets, delays) and for kFlipBit.
void ApplyToReply(const FaultRule& fault, Reply* reply);

}  // namespace s3::endpoint
