// Conditional requests, as RFC 9110 section 13 and S3 define them. Pure functions, any thread.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
#pragma once

#include <optional>
#include <string_view>

#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/storage/store.h"

namespace s3::endpoint {

// Returns NotImplemented for conditions of a write that S3 does not have: it has If-None-Match: *, or
// If-Match with one ETag.
std::optional<Reply> WriteConditionProblem(const Call& call);
// Returns NotImplemented for a DeleteObject with a condition.
std::optional<Reply> DeleteConditionProblem(const Call& call);
// Returns the condition of a write. It is empty if the options ignore conditions for this operation.
WriteCondition WriteConditionOf(const Call& call, const ServerOptions& options);
// Returns the reply to a commit that failed.
Reply CommitRefusal(Store::Committed committed);

// kNotModified: the reply to a read is 304. kFailed: the reply is 412.
enum class Unmet { kNothing, kNotModified, kFailed };
// Evaluates If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since. `prefix` stands before these
// names: empty, or "x-amz-copy-source-".
Unmet UnmetCondition(const Call& call, std::string_view prefix, const ObjectInfo& info);
// Returns the 304 or 412 to a read whose condition is not met.
std::optional<Reply> ReadConditionReply(const Call& call, const ObjectInfo& info);
Reply PreconditionFailed();

}  // namespace s3::endpoint
