// Executes S3 operations on the store, except those of multipart uploads. Thread-safe.
#pragma once

#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"

namespace s3::endpoint {

// Returns the refusal of a write if the bucket is missing or the key is too long. Call it before reading the
// body.
std::optional<Reply> CheckWrite(const Store& store, const Call& call);

// Stores a received and verified body as an object.
Reply PutObject(Store* store, const Call& call, ReceivedBody body, const ServerOptions& options);

// Executes the operations that neither store a body nor belong to multipart uploads.
Reply ExecuteWithoutBody(Store* store, const Call& call, const ServerOptions& options);

Reply SetTagging(Store* store, const Call& call, const std::string& tagging);

// Copies to `*info` the headers that are stored with an object.
void KeepProperties(const Call& call, ObjectInfo* info);
// Returns the refusal of a request whose customer-provided encryption key is not the object's.
std::optional<Reply> CustomerKeyProblem(const Call& call, const ObjectInfo& info);
// Returns true if the call has If-None-Match: * and the options do not ignore it for this operation.
bool KeepsCondition(const Call& call, const ServerOptions& options);
// Returns the reply to a commit that failed.
Reply CommitRefusal(Store::Committed committed);

}  // namespace s3::endpoint
