// Checks a request's signature from the raw request, as a store does.
#pragma once

#include <optional>

#include "s3/api/sigv4.h"
#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"

namespace s3::endpoint {

// Nothing when the signature holds; else the answer that refuses the request. Takes signatures in
// the Authorization header and in the query. The payload hash is believed here and compared with
// the body by the caller.
std::optional<Reply> VerifySignature(const Call& call, const ServerOptions& options, SystemTime now);

// The signature of the request's headers, which the first chunk of a signed body follows; of a
// request that VerifySignature has taken. `chunk_hash` is the chunk's SHA-256 in hex.
std::string SeedSignature(const Call& call);
std::string ExpectedChunkSignature(const Call& call, const ServerOptions& options, std::string_view previous,
                                   std::string_view chunk_hash);
std::string ExpectedTrailerSignature(const Call& call, const ServerOptions& options,
                                     std::string_view previous, std::string_view trailers);

// Takes as long wherever they differ: the time tells nobody how much of a guess was right.
bool IsEqual(std::string_view signature, std::string_view given);

// The hash the request promises for its body: 64 hex digits, or kUnsignedPayload.
std::string PromisedPayloadHash(const Call& call);

}  // namespace s3::endpoint
