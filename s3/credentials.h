// Credentials (the keys that sign requests) as values. s3/credentials/providers/chain.h finds credentials,
// s3/credentials/credential_cache.h renews them.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "s3/base/result.h"
#include "s3/base/secret.h"

namespace s3 {

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty for long-term keys
  // The expiry time by this machine's clock. Empty if the credentials do not expire, or if their source does
  // not name the time.
  std::optional<std::chrono::system_clock::time_point> expires{};

  // Returns true if key ID, secret and token are equal. The expiry may differ.
  bool SignsLike(const Credentials& other) const {
    return access_key_id == other.access_key_id && secret_access_key == other.secret_access_key &&
           session_token == other.session_token;
  }
};

// Credentials and the source that provided them.
struct ProvidedCredentials {
  Credentials credentials;
  // The source's name for messages, without secrets: "AWS_ACCESS_KEY_ID", "profile [lab] of
  // ~/.aws/credentials".
  std::string source;
  // False if the source can only return the same credentials again.
  bool renewable = false;
};

// Fetches credentials. Blocks the calling thread, and returns soon after a stop is requested.
using FetchCredentials = std::function<Result<ProvidedCredentials>(std::stop_token)>;

}  // namespace s3
