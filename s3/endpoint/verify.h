// Verifies the signature of a request from the raw request line and headers, as a store does.
#pragma once

#include <optional>

#include "s3/api/sigv4.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"

namespace s3::endpoint {

// Returns the refusal of a request whose signature is wrong; nothing if it is right. Accepts signatures in
// the Authorization header and in the query. The payload hash is not checked here: the caller compares it
// with the body.
std::optional<Reply> VerifySignature(const Call& call, const ServerOptions& options, SystemTime now);

// Returns the signature of the request's headers, which is the first `previous` for signed chunks. The
// request must have passed VerifySignature.
std::string SeedSignature(const Call& call);
// Returns the signature that a chunk must have. `chunk_hash` is the chunk's SHA-256 in hex. `previous` is the
// signature of the chunk before, or the seed signature.
std::string ExpectedChunkSignature(const Call& call, const ServerOptions& options, std::string_view previous,
                                   std::string_view chunk_hash);
std::string ExpectedTrailerSignature(const Call& call, const ServerOptions& options,
                                     std::string_view previous, std::string_view trailers);

// Compares in constant time, so that the time does not reveal how many characters of a guess are right.
bool IsEqual(std::string_view signature, std::string_view given);

// Returns the value of x-amz-content-sha256; kUnsignedPayload if the header is missing.
std::string PromisedPayloadHash(const Call& call);

}  // namespace s3::endpoint
