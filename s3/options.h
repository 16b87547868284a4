// The options for exchanges with an S3 store, as plain values. The defaults are the fields' initial values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "s3/base/secret.h"

namespace s3 {

enum class Addressing {
  kAuto,     // by the store's profile: kVirtual on AWS, kPath at nearly every other store
  kPath,     // https://host/bucket/key
  kVirtual,  // https://bucket.host/key
};

struct DestinationOptions {
  std::string bucket;
  // Put in front of every key, unchanged; no slash is added.
  std::string prefix;
  // "scheme://host[:port]"; empty means AWS's endpoint for `region`.
  std::string endpoint;
  // Several endpoints of one store, set instead of `endpoint`. Each request uses the least busy endpoint that
  // works.
  std::vector<std::string> endpoints;
  std::string region = "us-east-1";
  // The profile that lists what the store supports: a name in s3/stores/store_profiles.h, or "auto" to choose
  // the profile by the endpoint's host.
  std::string profile = "auto";
  Addressing addressing = Addressing::kAuto;
  // The next three choose one of AWS's endpoints. To set one of them for another store is an error.
  bool dualstack = false;   // IPv4 and IPv6
  bool fips = false;        // validated cryptography, only in some regions
  bool accelerate = false;  // AWS's edge network, only for buckets where it is enabled

  bool IsAws() const { return endpoint.empty() && endpoints.empty(); }
};

// The source of the credentials. The first that is set is used: the static keys, then `profile`, then AWS's
// provider chain (see LoadCredentials in s3/credentials/providers/chain.h).
struct CredentialOptions {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  std::string profile;
};

// Like the retries of AWS's SDKs, but without their shared retry quota, because in a bulk run one short
// outage must not use up the retries of all files.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
struct RetryOptions {
  // The number of attempts, including the first: 1 means no retry. With more attempts a request survives a
  // longer outage.
  int max_attempts = 8;
  // The delay before retry n (counted from 0) is random, from 0 to min(cap, base_delay * 2^n).
  std::chrono::milliseconds base_delay{200};
  std::chrono::milliseconds cap{20'000};

  static constexpr int kMaxAttempts = 1000;
  static constexpr std::chrono::milliseconds kMinDelay{1};
};

enum class ChecksumAlgorithm {
  kAuto,  // by the store's profile: kCrc64Nvme on AWS, kMd5 at nearly every other store
  kNone,
  kMd5,        // Content-MD5, compared with the ETag where the ETag is the object's MD5
  kCrc32c,     // x-amz-checksum-crc32c
  kCrc64Nvme,  // x-amz-checksum-crc64nvme
  kSha256,     // x-amz-checksum-sha256; needs no second hash when PayloadMode is kSha256
};

// Selects the value of the header x-amz-content-sha256, which is part of the signature.
enum class PayloadMode {
  // The SHA-256 of the body. It is part of the signature. Stores that do not check it are far rarer than
  // stores that do not check a checksum. Therefore kSha256 is the default, also over https.
  kSha256,
  kUnsigned,   // UNSIGNED-PAYLOAD: no SHA-256 is computed; TLS must protect the bytes
  kStreaming,  // STREAMING-AWS4-HMAC-SHA256-PAYLOAD: every chunk of the body is signed (aws-chunked)
};

struct IntegrityOptions {
  PayloadMode payload = PayloadMode::kSha256;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::kAuto;
  // Sends the checksum after the body (x-amz-trailer) instead of in a header. Needs kUnsigned or kStreaming,
  // and a store that supports trailers.
  bool trailer = false;
  // Sends a HeadObject after each object, and compares the size, the ETag and, if both sides have one, the
  // checksum. This costs one more request per object.
  bool verify_head = false;
  // Set from the store's profile. True if the ETag of a multipart object can be computed from its parts; the
  // ETag is then compared.
  bool etag_of_parts_is_md5 = true;
  // Set from the store's profile. `put_keeps_conditions` is for PutObject, `complete_keeps_conditions` for
  // CompleteMultipartUpload. True if the store is known to keep the condition If-None-Match: it refuses the
  // request when the key exists. If false, a HeadObject is sent before each conditional request of that kind.
  bool put_keeps_conditions = false;
  bool complete_keeps_conditions = false;
};

struct TlsOptions {
  // The certificate authorities to trust: a PEM file, and a directory in the format of c_rehash. Empty means
  // the system's.
  std::string ca_file;
  std::string ca_directory;
  // PEM files; empty means none. The certificate's file may also contain the key.
  std::string client_certificate;
  std::string client_key;
};

struct ProxyOptions {
  // Uses HTTPS_PROXY, http_proxy, ALL_PROXY and NO_PROXY as curl does; `url` and `no_proxy` take precedence.
  bool from_environment = true;
  // "scheme://[user:password@]host[:port]" with scheme http, https, socks5 or socks5h; empty means none.
  Secret url;
  // Hosts that are reached without a proxy, separated by commas; "*" means all.
  std::string no_proxy;
};

// Who carries requests over connections; libcurl makes the connections in both cases. See
// s3/transport/DESIGN.md.
enum class TransportKind {
  kAuto,     // kDirect, or kLibcurl where the connection needs it: see ChooseTransport
  kLibcurl,  // libcurl carries whole exchanges
  kDirect,   // our own HTTP/1.1 exchanges go over the connections
};

struct TransportOptions {
  TransportKind kind = TransportKind::kAuto;
  // The time limit for name resolution, TCP handshake and TLS handshake together.
  std::chrono::milliseconds connect_timeout{10'000};
  // An exchange that transfers fewer than `stall_bytes` in `stall_window` is ended and retried. Bytes that
  // the server sends before the whole request was sent are not counted. There is no total timeout, because a
  // large object on a slow line is not an error.
  std::chrono::milliseconds stall_window{30'000};
  std::uint64_t stall_bytes = 1;
  // After a CompleteMultipartUpload was sent completely, the longer of `completion_window` and `stall_window`
  // applies, because a store may assemble a large object for minutes before it sends a byte.
  std::chrono::milliseconds completion_window{300'000};
  // The time limit from the first byte of the response (also of an interim 1xx response) to its last byte.
  // The time starts only when the request was sent completely. The limit is long, because stores that
  // complete large uploads send white space for minutes before the result.
  std::chrono::milliseconds response_timeout{600'000};
  TlsOptions tls;
  ProxyOptions proxy;

  static constexpr std::chrono::milliseconds kMinConnectTimeout{10}, kMinStallWindow{100};
};

struct Options {
  DestinationOptions destination;
  CredentialOptions credentials;
  RetryOptions retry;
  TransportOptions transport;
  IntegrityOptions integrity;
};

}  // namespace s3
