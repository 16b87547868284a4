// URIs in the form that S3 and SigV4 need: percent-encoding, endpoints, legal bucket names and keys. Pure
// functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/base/result.h"

namespace s3 {

// Name and value, not percent-encoded.
using QueryParam = std::pair<std::string, std::string>;

// Percent-encodes all bytes except A-Z a-z 0-9 - . _ ~ (and '/' if `keep_slash`), with upper-case hex digits.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, UriEncode().
std::string UriEncode(std::string_view bytes, bool keep_slash);

// Decodes percent-encoding. Returns nothing if a '%' is not followed by two hex digits. '+' stays '+'.
std::optional<std::string> UriDecode(std::string_view text);

// Returns SigV4's canonical query string: parameters encoded, then sorted.
std::string CanonicalQuery(const std::vector<QueryParam>& query);

// A server's scheme, host and port.
struct Endpoint {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 literal keeps its brackets
  int port = 0;

  // Returns the value of the Host header. It contains the port only if that is not the scheme's default (RFC
  // 9110, section 7.2).
  std::string HostHeader() const;
  std::string HostAndPort() const;
  std::string Url() const;         // "scheme://host:port"
  bool HasAddressForHost() const;  // true if `host` is an IP address: a bucket cannot be put before it
  bool operator==(const Endpoint&) const = default;
};

// Returns `text` with the user and password of its URL (all before the '@') replaced by a placeholder.
std::string WithoutUser(std::string_view text);

// Parses "scheme://host[:port][/]". The error's message never contains the user and password.
Result<Endpoint> ParseEndpoint(std::string_view text);

// The endpoint and the path to which the requests for one bucket are sent.
struct BucketAddress {
  Endpoint endpoint;      // its host begins with the bucket if addressing is virtual-hosted
  std::string path_root;  // "/" or "/bucket/": the encoded key follows
};

// Returns a message that says what is wrong with the bucket name; nothing if the name is legal. Allows upper
// case and '_', which some other stores allow but AWS does not.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
std::optional<std::string> BucketNameProblem(std::string_view name);

// Returns a message that says what is wrong with the key; nothing if S3 accepts the key (1 to 1,024 bytes).
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
std::optional<std::string> KeyProblem(std::string_view key);

}  // namespace s3
