#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "s3/api/classify_response.h"
#include "s3/api/properties.h"
#include "s3/api/responses.h"

// A store's XML, read by every parser of the API.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  if (const auto id = s3::ParseUploadId(body); id && id->empty()) __builtin_trap();
  if (const auto done = s3::ParseCompletion(body, s3::ChecksumAlgorithm::kCrc32c); done && done->etag.empty())
    __builtin_trap();
  if (const auto list = s3::ParsePartList(body); list && list->truncated && list->parts.empty())
    __builtin_trap();
  (void)s3::ParseUploadList(body);
  if (const auto objects = s3::ParseObjectList(body); objects && objects->truncated && objects->next.empty())
    __builtin_trap();
  (void)s3::ParseErrorBody(body);
  (void)s3::ParseTagging(body);
  return 0;
}
