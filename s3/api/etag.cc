#include "s3/api/etag.h"

#include <strings.h>

#include <algorithm>

namespace s3 {
namespace {

std::string_view Trimmed(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Allows '-', because S3 appends "-" and the number of parts.
bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
}

}  // namespace

std::string_view StrongETag(std::string_view etag) {
  etag = Trimmed(etag);
  if (etag.starts_with("W/") || etag.starts_with("w/")) etag.remove_prefix(2);
  return etag;
}

std::string_view OpaqueTag(std::string_view etag) {
  etag = StrongETag(etag);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

bool IsSameETag(std::string_view a, std::string_view b) {
  a = OpaqueTag(a);
  b = OpaqueTag(b);
  if (a == b) return true;
  return a.size() == b.size() && IsHex(a) && IsHex(b) && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace s3
