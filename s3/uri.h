// URIs as S3 and SigV4 want them. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/base/result.h"

namespace s3 {

// Decoded name and value.
using QueryParam = std::pair<std::string, std::string>;

// Percent-encodes all bytes but A-Z a-z 0-9 - . _ ~ (and '/', when `keep_slash`), hex in upper
// case. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, UriEncode().
std::string UriEncode(std::string_view bytes, bool keep_slash);

// Nothing when a '%' is not followed by two hex digits. '+' stays '+'.
std::optional<std::string> UriDecode(std::string_view text);

// Query parameters encoded and sorted as the canonical query string.
std::string CanonicalQuery(const std::vector<QueryParam>& query);

// A server's address.
struct Endpoint {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 literal keeps its brackets
  int port = 0;

  // The Host header: the port only where it is not the scheme's own (RFC 9110, section 7.2).
  std::string HostHeader() const;
  std::string HostAndPort() const;
  std::string Url() const;         // "scheme://host:port"
  bool HasAddressForHost() const;  // an IP address, which can have no bucket in front
};

// `text` with what stands before an '@' of its URL blanked out: there may be a password.
std::string WithoutUser(std::string_view text);

// Accepts "scheme://host[:port][/]"; the message says what is wrong, without a position, user and password.
Result<Endpoint> ParseEndpoint(std::string_view text);

// Where requests for one bucket go, computed once per run.
struct BucketAddress {
  Endpoint endpoint;      // with the bucket in its host when virtual-hosted
  std::string path_root;  // "/" or "/bucket/": the encoded key follows
};

// Nothing when the name is legal; else what is wrong with it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; upper case and '_'
// are let through, since stores other than AWS take them (path style only).
std::optional<std::string> BucketNameProblem(std::string_view name);

// Nothing when S3 takes the key; else why not. At most 1,024 bytes, not empty.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
std::optional<std::string> KeyProblem(std::string_view key);

}  // namespace s3
