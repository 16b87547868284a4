// Executes S3 operations on the store, except those of multipart uploads. Thread-safe.
#pragma once

#include "s3/endpoint/body.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"

namespace s3::endpoint {

// Returns the refusal of a write whose bucket is missing, or whose key, condition or metadata S3 would
// refuse. Call it before reading the body.
std::optional<Reply> CheckWrite(const Store& store, const Call& call);

// Stores a received and verified body as an object.
Reply PutObject(Store* store, const Call& call, ReceivedBody body, const ServerOptions& options);

// Executes the operations that neither store a body nor belong to multipart uploads.
Reply ExecuteWithoutBody(Store* store, const Call& call, const ServerOptions& options);

Reply SetTagging(Store* store, const Call& call, const std::string& tagging);

}  // namespace s3::endpoint
