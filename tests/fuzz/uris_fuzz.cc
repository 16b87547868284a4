#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "s3/glob.h"
#include "s3/hash/hash.h"
#include "s3/uri.h"

// Endpoints, keys, globs and base64.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto endpoint = s3::ParseEndpoint(text)) {
    if (endpoint->host.empty() || endpoint->port < 1 || endpoint->port > 65535) __builtin_trap();
  }
  if (s3::UriDecode(s3::UriEncode(text, true)) != text) __builtin_trap();
  const auto middle = text.size() / 2;
  (void)s3::GlobMatches(text.substr(0, middle), text.substr(middle));
  (void)s3::Base64Decode(text);
  (void)s3::BucketNameProblem(text);
  return 0;
}
