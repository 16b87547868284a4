#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "s3/endpoint/call.h"
#include "s3/endpoint/verify.h"

// Target and Authorization of a request to the embedded endpoint: nothing passes without a signature.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  s3::endpoint::Call call;
  call.method = "PUT";
  call.target = std::string(text.substr(0, line));
  call.headers = {{"authorization", line == std::string_view::npos ? "" : std::string(text.substr(line + 1))},
                  {"x-amz-date", "20200101T000000Z"},
                  {"host", "h"}};
  if (!s3::endpoint::ParseTarget(&call, "")) return 0;
  if (!s3::endpoint::VerifySignature(call, {}, std::chrono::system_clock::now())) __builtin_trap();
  return 0;
}
