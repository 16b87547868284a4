// What steers one exchange with an S3 store. Plain values; defaults stand in the fields.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "s3/base/secret.h"

namespace s3 {

enum class Addressing {
  kAuto,     // as the store's profile has it: virtual-hosted on AWS, path style nearly everywhere else
  kPath,     // https://host/bucket/key
  kVirtual,  // https://bucket.host/key
};

struct DestinationOptions {
  std::string bucket;
  // Prepended to every key as it stands; no slash is added.
  std::string prefix;
  // "scheme://host[:port]"; empty means AWS's endpoint of `region`.
  std::string endpoint;
  // Instead of `endpoint`: several ways to one store. Each request takes the least busy one that works.
  std::vector<std::string> endpoints;
  std::string region = "us-east-1";
  // What the store takes: a name of s3/stores/store_profiles.h, or "auto" for what the endpoint's host shows.
  std::string profile = "auto";
  Addressing addressing = Addressing::kAuto;
  // Which of AWS's endpoints; not for other stores.
  bool dualstack = false;   // IPv6, too
  bool fips = false;        // validated cryptography; in regions that have it
  bool accelerate = false;  // the edge network, for buckets that have it switched on

  bool IsAws() const { return endpoint.empty() && endpoints.empty(); }
};

// Where keys come from. Static keys win; then `profile`; then the environment, then the profile
// that AWS_PROFILE names (see LoadCredentials).
struct CredentialOptions {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  std::string profile;
};

// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html describes what the
// SDKs do; a bulk run differs in having no shared retry quota: one brown-out must not fail files.
struct RetryOptions {
  // Counts the first attempt: 1 means no retry. More attempts ride out longer outages.
  int max_attempts = 8;
  // The delay before retry n (0-based) is drawn from [0, min(cap, base_delay * 2^n)].
  std::chrono::milliseconds base_delay{200};
  std::chrono::milliseconds cap{20'000};
};

enum class ChecksumAlgorithm {
  kAuto,  // as the store's profile has it: kCrc64Nvme on AWS, kMd5 on nearly every other
  kNone,
  kMd5,        // Content-MD5, and the ETag that most stores make of it; 0.77 GB/s on a core
  kCrc32c,     // x-amz-checksum-crc32c, near memory speed
  kCrc64Nvme,  // x-amz-checksum-crc64nvme, near memory speed
  kSha256,     // x-amz-checksum-sha256; no cost when the payload is signed whole
};

// What stands in x-amz-content-sha256, and so in the signature.
enum class PayloadMode {
  // The SHA-256 of the body: every store must check it, since it is part of the signature. The
  // default, over https too: of all checks it is the only one that no store ignores.
  kSha256,
  kUnsigned,   // UNSIGNED-PAYLOAD: saves 0.8 s of CPU per GiB; TLS has to protect the bytes
  kStreaming,  // STREAMING-AWS4-HMAC-SHA256-PAYLOAD: signed chunks (aws-chunked)
};

struct IntegrityOptions {
  PayloadMode payload = PayloadMode::kSha256;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::kAuto;
  // Send the checksum behind the body (x-amz-trailer) instead of before it; needs kUnsigned or
  // kStreaming, and a store that takes trailers.
  bool trailer = false;
  // Ask with HeadObject after each object and compare size and checksum or ETag: one request more.
  bool verify_head = false;
  // Of the store's profile: the ETag of an object that came as parts can be computed, and is compared.
  bool etag_of_parts_is_md5 = true;
  // Of the store's profile: it is known to refuse a PutObject, or a CompleteMultipartUpload, whose
  // If-None-Match does not hold. At other stores the key is asked for first.
  bool put_keeps_conditions = false;
  bool complete_keeps_conditions = false;
};

struct TlsOptions {
  // PEM file, and directory as c_rehash makes it, with the certificate authorities to trust; empty means
  // the system's.
  std::string ca_file;
  std::string ca_directory;
  // PEM files; empty means none. The key may be in the certificate's file.
  std::string client_certificate;
  std::string client_key;
};

struct ProxyOptions {
  // HTTPS_PROXY, http_proxy, ALL_PROXY and NO_PROXY, as curl reads them; `url` and `no_proxy` win.
  bool from_environment = true;
  // "scheme://[user:password@]host[:port]", http, https or socks5; empty means none.
  Secret url;
  // Hosts that are reached directly, with commas in between; "*" means all.
  std::string no_proxy;
};

struct TransportOptions {
  // Name resolution, TCP and TLS handshake together.
  std::chrono::milliseconds connect_timeout{10'000};
  // An exchange that moves fewer than `stall_bytes` in `stall_window` is given up and retried. What the
  // server says before the whole request was sent does not count. There is no total timeout: a large object
  // on a slow line is not an error.
  std::chrono::milliseconds stall_window{30'000};
  std::uint64_t stall_bytes = 1;
  // Instead of `stall_window`, when it is longer: of a CompleteMultipartUpload that was sent completely. A
  // store may put large objects together for minutes before it says a byte.
  std::chrono::milliseconds completion_window{300'000};
  // Once the request is sent completely: from the first byte of the response, an interim (1xx) one included,
  // to its last. Stores that complete large uploads send white space for minutes before the result.
  std::chrono::milliseconds response_timeout{600'000};
  TlsOptions tls;
  ProxyOptions proxy;
};

struct Options {
  DestinationOptions destination;
  CredentialOptions credentials;
  RetryOptions retry;
  TransportOptions transport;
  IntegrityOptions integrity;
};

}  // namespace s3
