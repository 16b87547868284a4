#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "s3/api/classify_response.h"

// Status, headers and body of a response: an error has one line of bounded length.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  s3::HttpResponse response;
  response.status = 100 + data[0] * 2 % 500;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (auto end = text.find('\n'); end != std::string_view::npos && end > 1; end = text.find('\n')) {
    response.headers.AppendLine(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  response.body = std::string(text);
  const auto classified = s3::ClassifyResponse(response, true);
  if (classified) {
    if (response.status / 100 != 2) __builtin_trap();
    return 0;
  }
  const auto& message = classified.error().message;
  if (message.size() > 700 || message.find_first_of("\n\x1b") != std::string::npos) __builtin_trap();
  return 0;
}
