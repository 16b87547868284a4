// What steers one exchange with an S3 store. Plain values; defaults stand in the fields.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "s3/secret.h"

namespace s3 {

enum class Addressing {
  kAuto,     // virtual-hosted on AWS, path style on every other endpoint
  kPath,     // https://host/bucket/key
  kVirtual,  // https://bucket.host/key
};

struct DestinationOptions {
  std::string bucket;
  // Prepended to every key as it stands; no slash is added.
  std::string prefix;
  // "scheme://host[:port]"; empty means AWS's endpoint of `region`.
  std::string endpoint;
  std::string region = "us-east-1";
  Addressing addressing = Addressing::kAuto;
  // PEM file with the certificate authorities to trust; empty means the system's.
  std::string ca_file;
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

struct TransportOptions {
  // Name resolution, TCP and TLS handshake together.
  std::chrono::milliseconds connect_timeout{10'000};
  // An exchange that moves fewer than `stall_bytes` in `stall_window` is given up and retried.
  // There is no total timeout: a large object on a slow line is not an error.
  std::chrono::milliseconds stall_window{30'000};
  std::uint64_t stall_bytes = 1;
};

struct Options {
  DestinationOptions destination;
  CredentialOptions credentials;
  RetryOptions retry;
  TransportOptions transport;
};

}  // namespace s3
