#include "s3/endpoint/operations/conditions.h"

#include <algorithm>
#include <ctime>
#include <string>

#include "s3/base/text.h"

namespace s3::endpoint {
namespace {

std::string_view WithoutQuotes(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

// `list`: ETags with or without quotes, with commas between them; or "*".
bool NamesEtag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto name = TrimHeaderSpace(list.substr(0, comma));
    if (name == "*" || WithoutQuotes(name) == etag) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

// Reads an IMF-fixdate (RFC 9110, section 5.6.7). A recipient must ignore a condition with another date.
std::optional<std::int64_t> SecondsOf(const std::string& date) {
  std::tm time{};
  const auto* const end = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&time);
}

}  // namespace

std::optional<Reply> WriteConditionProblem(const Call& call) {
  const auto none_match = call.FindHeader("if-none-match");
  const auto match = call.FindHeader("if-match");
  const bool is_known =
      (!none_match || none_match == "*") && (!match || match->find(',') == std::string::npos);
  if (is_known && !(none_match && match)) return std::nullopt;
  return ErrorReply(501, "NotImplemented",
                    "A header you provided implies functionality that is not implemented");
}

std::optional<Reply> DeleteConditionProblem(const Call& call) {
  for (const auto* name : {"if-match", "x-amz-if-match-last-modified-time", "x-amz-if-match-size"}) {
    if (call.FindHeader(name))
      return ErrorReply(501, "NotImplemented", "This endpoint has no conditional deletes");
  }
  return std::nullopt;
}

WriteCondition WriteConditionOf(const Call& call, const ServerOptions& options) {
  const bool ignores =
      options.conditions == Conditions::kIgnored ||
      (options.conditions == Conditions::kIgnoredOnComplete && call.operation == "CompleteMultipartUpload");
  if (ignores) return {};
  WriteCondition condition{.if_absent = call.FindHeader("if-none-match") == "*"};
  if (const auto etag = call.FindHeader("if-match")) condition.if_etag = WithoutQuotes(*etag);
  return condition;
}

Reply PreconditionFailed() {
  return ErrorReply(412, "PreconditionFailed",
                    "At least one of the pre-conditions you specified did not hold");
}

Reply CommitRefusal(Store::Committed committed) {
  if (committed == Store::Committed::kNoBucket) return NoSuchBucket();
  // S3 replies to If-Match on a missing key as to a read of it.
  if (committed == Store::Committed::kAbsent) return NoSuchKey();
  return PreconditionFailed();
}

// The order is that of RFC 9110, section 13.2.2: an ETag decides, and a date counts only without an ETag.
Unmet UnmetCondition(const Call& call, std::string_view prefix, const ObjectInfo& info) {
  const auto header = [&](std::string_view name) {
    return call.FindHeader(std::string(prefix) + std::string(name));
  };
  const auto date = [&](std::string_view name) -> std::optional<std::int64_t> {
    const auto value = header(name);
    return value ? SecondsOf(*value) : std::nullopt;
  };
  if (const auto match = header("if-match")) {
    if (!NamesEtag(*match, info.etag)) return Unmet::kFailed;
  } else if (const auto time = date("if-unmodified-since"); time && info.last_modified > *time) {
    return Unmet::kFailed;
  }
  if (const auto none_match = header("if-none-match")) {
    if (NamesEtag(*none_match, info.etag)) return Unmet::kNotModified;
  } else if (const auto time = date("if-modified-since"); time && info.last_modified <= *time) {
    return Unmet::kNotModified;
  }
  return Unmet::kNothing;
}

std::optional<Reply> ReadConditionReply(const Call& call, const ObjectInfo& info) {
  switch (UnmetCondition(call, "", info)) {
    case Unmet::kNothing: return std::nullopt;
    case Unmet::kFailed: return PreconditionFailed();
    case Unmet::kNotModified: break;
  }
  Reply reply;
  reply.status = 304;
  reply.headers.push_back({"etag", "\"" + info.etag + "\""});
  return reply;
}

}  // namespace s3::endpoint
