#include "s3/endpoint/faults.h"

#include <fmt/format.h>

#include <algorithm>

#include "s3/glob.h"

namespace s3::endpoint {
namespace {

constexpr std::string_view kMessage = "This fault was requested";

// Changes the first digit, so that the text still looks like an ETag.
void ChangeETag(std::string* text, std::size_t at) {
  if (at < text->size()) (*text)[at] = (*text)[at] == '0' ? '1' : '0';
}

void FalsifyETag(Reply* reply) {
  for (auto& header : reply->headers) {
    if (header.name == "etag") ChangeETag(&header.value, 1);
  }
  constexpr std::string_view kElement = "<ETag>&quot;";
  const auto at = reply->body.find(kElement);
  if (at != std::string::npos) ChangeETag(&reply->body, at + kElement.size());
}

}  // namespace

std::optional<FaultRule> FaultPlan::Next(const std::string& operation, const std::string& key) {
  if (rules_.empty()) return std::nullopt;
  const MutexLock lock(mutex_);
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

bool IsExecuted(const std::optional<FaultRule>& fault) {
  if (!fault || fault->applied) return true;
  return fault->action != FaultAction::kStatus && fault->action != FaultAction::kNoResponse &&
         fault->action != FaultAction::kErrorIn200;
}

void ApplyToReply(const FaultRule& fault, Reply* reply) {
  switch (fault.action) {
    case FaultAction::kStatus:
      *reply = ErrorReply(fault.status, fault.code, kMessage);
      if (fault.retry_after_s >= 0) {
        reply->headers.push_back({"retry-after", fmt::format("{}", fault.retry_after_s)});
      }
      break;
    case FaultAction::kErrorIn200: *reply = ErrorReply(200, fault.code, kMessage); break;
    case FaultAction::kCutBody:
      reply->body.resize(std::min<std::size_t>(reply->body.size(), fault.after_bytes));
      break;
    case FaultAction::kWrongEtag: FalsifyETag(reply); break;
    default: break;
  }
}

}  // namespace s3::endpoint
