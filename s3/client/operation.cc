#include "s3/client/operation.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "s3/api/properties.h"
#include "s3/hash/hash.h"

namespace s3 {
namespace {

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Returns true for headers whose values a job can choose freely. They may contain secrets, because a job can
// read environment variables.
bool IsFreeText(std::string_view name) {
  if (!name.starts_with("x-amz-")) return name != "content-type";
  return name.starts_with("x-amz-meta-") || name == "x-amz-website-redirect-location";
}

// Frames a payload in aws-chunked encoding. `seed` is the signature of the request's headers.
ChunkedBody Frame(const Payload& payload, const std::string& seed, Signer* signer,
                  const Credentials& credentials, SystemTime time) {
  if (payload.integrity.payload != PayloadMode::kStreaming) return FrameChunks(payload, {});
  return FrameChunks(payload, {seed,
                               [&](std::string_view previous, std::string_view chunk) {
                                 return signer->SignChunk(credentials, time, previous, chunk);
                               },
                               [&](std::string_view previous, std::string_view trailers) {
                                 return signer->SignTrailer(credentials, time, previous, trailers);
                               }});
}

}  // namespace

PreparedRequest Prepare(const Operation& operation, const StoreContext& context, std::size_t endpoint,
                        const Credentials& credentials, const std::vector<std::string>& omitted_headers) {
  const auto& bucket = context.buckets[endpoint];
  PreparedRequest prepared(operation, bucket, credentials);
  auto& request = prepared.http_;
  request = operation.build(bucket);
  std::erase_if(request.headers, [&](const Header& header) {
    return Contains(context.refused_headers, header.name) || Contains(omitted_headers, header.name);
  });
  const auto* payload = operation.payload;
  const auto hash = payload != nullptr ? AttachPayload(*payload, &request) : Sha256Hex(request.body);
  const auto time = std::chrono::system_clock::now() + context.clock_offset;
  const auto seed = context.signer->SignHeaders(&request, hash, credentials, time);
  if (payload != nullptr && IsChunked(payload->integrity)) {
    prepared.chunks_ = Frame(*payload, seed, context.signer.get(), credentials, time);
    request.body_pieces = std::move(prepared.chunks_.pieces);
  }
  return prepared;
}

void PreparedRequest::RedactSecretsIn(std::string* text) const {
  RedactIn(text, credentials_.secret_access_key);
  RedactIn(text, credentials_.session_token);
  const auto request = operation_.build(bucket_);
  for (const auto& header : request.secret_headers) RedactIn(text, header.value);
  for (const auto& [name, value] : request.headers) {
    if (IsFreeText(name)) RedactIn(text, Secret(value));
    if (name != kTaggingHeader) continue;
    for (const auto& tag : ParseTagging(value)) RedactIn(text, Secret(tag.second));
  }
}

}  // namespace s3
