// Executes S3 operations on the store, except those of multipart uploads. Thread-safe.
#pragma once

#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"

namespace s3::endpoint {

// Returns the refusal of a write to a wrong bucket or key; call it before reading the body.
std::optional<Reply> CheckWrite(const Store& store, const Call& call);

// Stores a body that was received and verified.
Reply PutObject(Store* store, const Call& call, ReceivedBody body, const ServerOptions& options);

// Executes every operation whose body is not stored.
Reply ExecuteWithoutBody(Store* store, const Call& call, const ServerOptions& options);

Reply SetTagging(Store* store, const Call& call, const std::string& tagging);

// Copies the headers that are stored with an object.
void KeepProperties(const Call& call, ObjectInfo* info);
// Returns the refusal of a request whose customer-provided key is not the object's.
std::optional<Reply> CustomerKeyProblem(const Call& call, const ObjectInfo& info);
// True if the call has If-None-Match: * and the options do not ignore it for this operation.
bool KeepsCondition(const Call& call, const ServerOptions& options);
// The reply to a commit that failed.
Reply CommitRefusal(Store::Committed committed);

}  // namespace s3::endpoint
