// What each S3 operation does to the store. Thread-safe, as the store is.
#pragma once

#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"
#include "s3/hash.h"

namespace s3::endpoint {

// A PutObject's refusal that can be told from its headers, before its body is read.
std::optional<Reply> CheckPutObjectHeaders(const Store& store, const Call& call);

// Stores the body that `upload` received, once its hashes are what the request promised.
Reply PutObject(Store* store, const Call& call, std::unique_ptr<Store::Upload> upload,
                const StreamHash::Digests& digests, std::uint64_t size_bytes);

// Every operation without a body to keep.
Reply Answer(Store* store, const Call& call, const ServerOptions& options);

}  // namespace s3::endpoint
