// The keys that sign requests, as values. Where they come from: s3/credentials/providers/chain.h; how they
// are kept fresh: s3/credentials/credential_cache.h.
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
  // By this machine's clock; nothing when they do not expire, or do not say when.
  std::optional<std::chrono::system_clock::time_point> expires{};

  // The same keys, whenever they expire.
  bool SignsLike(const Credentials& other) const {
    return access_key_id == other.access_key_id && secret_access_key == other.secret_access_key &&
           session_token == other.session_token;
  }
};

// Credentials and where they came from.
struct ProvidedCredentials {
  Credentials credentials;
  // For people, without secrets: "AWS_ACCESS_KEY_ID", "profile [lab] of ~/.aws/credentials".
  std::string source;
  // False: asking again gives the same.
  bool renewable = false;
};

// Asks for credentials, waiting in the calling thread; soon ends once a stop is requested.
using FetchCredentials = std::function<Result<ProvidedCredentials>(std::stop_token)>;

}  // namespace s3
