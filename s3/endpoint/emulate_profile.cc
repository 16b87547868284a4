#include "s3/endpoint/emulate_profile.h"

#include <fmt/format.h>

#include <charconv>

namespace s3::endpoint {
namespace {

constexpr std::string_view kChecksum = "x-amz-checksum-";

std::optional<Reply> ChecksumRefusal(const StoreProfile& profile, const Call& call) {
  for (const auto& [name, value] : call.headers) {
    const bool checksum = name.starts_with(kChecksum) && name != "x-amz-checksum-mode";
    if (checksum && profile.checksum_headers == Takes::kNo) {
      return ErrorReply(400, "InvalidArgument", fmt::format("Unsupported header '{}' received", name));
    }
    const bool crc64 = name == "x-amz-checksum-crc64nvme" || (checksum && value == "CRC64NVME");
    if (crc64 && profile.crc64nvme == Takes::kNo) {
      return ErrorReply(501, "NotImplemented", "CRC64NVME is not implemented");
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Reply> EmulatedRefusal(const StoreProfile& profile, const Call& call) {
  if (auto refusal = ChecksumRefusal(profile, call)) return refusal;
  const auto hash = call.FindHeader("x-amz-content-sha256").value_or("");
  if (profile.trailers == Takes::kNo && call.FindHeader("x-amz-trailer")) {
    return ErrorReply(501, "NotImplemented", fmt::format("{} is not implemented", hash));
  }
  if (profile.streaming == Takes::kNo && hash.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")) {
    return ErrorReply(501, "NotImplemented", fmt::format("{} is not implemented", hash));
  }
  if (profile.tags == Takes::kNo && (call.FindHeader("x-amz-tagging") || call.FindQuery("tagging"))) {
    return ErrorReply(501, "NotImplemented", "Object tagging is not implemented");
  }
  if (profile.conditions == Takes::kNo && (call.FindHeader("if-none-match") || call.FindHeader("if-match"))) {
    return ErrorReply(501, "NotImplemented", "Conditional writes are not implemented");
  }
  int number = 0;
  const auto text = call.FindQuery("partNumber").value_or("");
  std::from_chars(text.data(), text.data() + text.size(), number);
  if (number > profile.limits.max_parts) {
    return ErrorReply(
        400, "InvalidArgument",
        fmt::format("Part number must be an integer between 1 and {}", profile.limits.max_parts));
  }
  return std::nullopt;
}

}  // namespace s3::endpoint
