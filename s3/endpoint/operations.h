// What each S3 operation does to the store. Thread-safe, as the store is.
#pragma once

#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"

namespace s3::endpoint {

// What refuses any write to this bucket and key, before a body is read.
std::optional<Reply> CheckWrite(const Store& store, const Call& call);

// Stores a body that was received and holds what it promised.
Reply PutObject(Store* store, const Call& call, ReceivedBody body, const ServerOptions& options);

// Every operation without a body to keep, but those of multipart uploads.
Reply ExecuteWithoutBody(Store* store, const Call& call, const ServerOptions& options);

Reply SetTagging(Store* store, const Call& call, const std::string& tagging);

// Takes over the headers that are kept with an object.
void KeepProperties(const Call& call, ObjectInfo* info);
// An object with a customer's key is given and written only to who has that key.
std::optional<Reply> CustomerKeyProblem(const Call& call, const ObjectInfo& info);
// True when the call has If-None-Match: * and the options say that it counts for this operation.
bool KeepsCondition(const Call& call, const ServerOptions& options);
// Of a commit that did not take place.
Reply CommitRefusal(Store::Committed committed);

}  // namespace s3::endpoint
