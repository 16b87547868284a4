// AWS Signature Version 4: pure functions of request, credentials, scope and time.
//
// Each stage of the specification is a function with the specification's name, so that each can be compared
// with published values. S3's rules apply: the path is encoded once and never normalised, and
// x-amz-content-sha256 is always present and signed.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "s3/base/mutex.h"
#include "s3/base/read_mostly.h"
#include "s3/credentials.h"
#include "s3/hash/hash.h"
#include "s3/http.h"

namespace s3 {

// The values of x-amz-content-sha256 that are not a digest of the body.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
inline constexpr std::string_view kSignedChunks = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kSignedChunksTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

using SystemTime = std::chrono::system_clock::time_point;

// "20130524T000000Z"
std::string AmzDate(SystemTime time);

// YYYYMMDD/region/service/aws4_request
struct CredentialScope {
  std::string date;  // YYYYMMDD, in UTC
  std::string region;
  std::string service = "s3";
  std::string Text() const;
};

struct CanonicalRequest {
  std::string text;
  std::string signed_headers;  // "host;x-amz-content-sha256;x-amz-date"
};

// Returns the canonical request. It contains all headers: names in lower case and sorted, values trimmed and
// with runs of inner space collapsed, values of equal names joined with ','. `path` must already be
// percent-encoded.
CanonicalRequest BuildCanonicalRequest(std::string_view method, std::string_view path,
                                       const std::vector<QueryParam>& query,
                                       const std::vector<Header>& headers,
                                       const std::vector<SecretHeader>& secret_headers,
                                       std::string_view payload_hash);

// In each function that returns a string to sign, `scope` is CredentialScope::Text().
std::string StringToSign(std::string_view amz_date, std::string_view scope,
                         std::string_view canonical_request);

Sha256Digest SigningKey(const Secret& secret_access_key, const CredentialScope& scope);

// Returns the string to sign for one chunk of a body that is sent in signed chunks. `previous_signature` is
// the signature of the chunk before; for the first chunk, the signature of the request's headers (the seed).
// `chunk_hash` is the chunk's SHA-256 in hex.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
std::string ChunkStringToSign(std::string_view amz_date, std::string_view scope,
                              std::string_view previous_signature, std::string_view chunk_hash);

// Returns the string to sign for the trailers. `trailers` contains "name:value\n" for each trailer, with
// names in lower case and sorted.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
std::string TrailerStringToSign(std::string_view amz_date, std::string_view scope,
                                std::string_view previous_signature, std::string_view trailers);

// Returns 64 lower-case hex digits.
std::string Signature(const Sha256Digest& signing_key, std::string_view string_to_sign);

// Signs requests for one region. Thread-safe. Keeps the signing key of the current day, which saves four
// HMACs for each request.
class Signer {
 public:
  explicit Signer(std::string region, std::string service = "s3")
      : region_(std::move(region)), service_(std::move(service)) {}

  // Adds host, x-amz-date, x-amz-content-sha256, x-amz-security-token (if there is a token) and
  // authorization. The request must not have them yet. All its headers are signed. `payload_hash` is the hex
  // SHA-256 of the body, or one of the constants above. Returns the signature: the seed for a body that is
  // signed in chunks.
  std::string SignHeaders(HttpRequest* request, std::string_view payload_hash, const Credentials& credentials,
                          SystemTime time);

  // Return the signature of a chunk and of the trailers. `time` must be the time that SignHeaders received.
  std::string SignChunk(const Credentials& credentials, SystemTime time, std::string_view previous_signature,
                        std::string_view chunk);
  std::string SignTrailer(const Credentials& credentials, SystemTime time,
                          std::string_view previous_signature, std::string_view trailers);

  // Makes a presigned URL: adds X-Amz-Algorithm ... X-Amz-Signature to the query, and host to the headers.
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  void SignQuery(HttpRequest* request, std::string_view payload_hash, const Credentials& credentials,
                 SystemTime time, std::chrono::seconds expires);

 private:
  struct DayKey {
    std::string date;
    Secret secret;
    Sha256Digest signing_key{};
  };
  const Sha256Digest& CachedSigningKey(const Credentials& credentials, const CredentialScope& scope);

  const std::string region_;
  const std::string service_;
  Mutex mutex_;  // held while a new key is derived and published
  ReadMostly<DayKey> key_{DayKey()};
};

}  // namespace s3
