#include "s3/endpoint/operations/properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "s3/base/text.h"

namespace s3::endpoint {
namespace {

constexpr std::string_view kMetadata = "x-amz-meta-";
constexpr std::string_view kEncryption = "x-amz-server-side-encryption";
constexpr std::string_view kCustomerKey = "x-amz-server-side-encryption-customer-key";
constexpr std::string_view kCustomerKeyMd5 = "x-amz-server-side-encryption-customer-key-md5";
constexpr std::size_t kMaxMetadataBytes = 2048;

bool IsKeptHeader(std::string_view name) {
  if (name == kCustomerKey) return false;
  for (const auto prefix : {kMetadata, kEncryption, std::string_view("x-amz-object-lock-")}) {
    if (name.starts_with(prefix)) return true;
  }
  for (const auto* kept : {"content-type", "cache-control", "content-disposition", "content-language",
                           "expires", "x-amz-storage-class", "x-amz-website-redirect-location"}) {
    if (name == kept) return true;
  }
  return false;
}

}  // namespace

void KeepProperties(const Call& call, ObjectInfo* info) {
  for (const auto& [name, value] : call.headers) {
    // boto3 sends "True", and S3 returns "true".
    const bool is_boolean = name == "x-amz-server-side-encryption-bucket-key-enabled";
    if (IsKeptHeader(name)) info->headers.push_back({name, is_boolean ? LowerCase(value) : value});
    if (name == "x-amz-tagging") info->tagging = value;
    if (name == "content-encoding") {
      // "aws-chunked" is the encoding of the request, not of the object.
      std::string encoding = value;
      if (encoding.starts_with("aws-chunked")) encoding.erase(0, encoding.find_first_not_of(", ", 11));
      if (!encoding.empty()) info->headers.push_back({name, encoding});
    }
  }
}

std::optional<Reply> MetadataProblem(const Call& call) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : call.headers) {
    if (name.starts_with(kMetadata)) bytes += name.size() - kMetadata.size() + value.size();
  }
  if (bytes <= kMaxMetadataBytes) return std::nullopt;
  return ErrorReply(400, "MetadataTooLarge",
                    "Your metadata headers exceed the maximum allowed metadata size");
}

std::optional<Reply> CustomerKeyProblem(const Call& call, const ObjectInfo& info) {
  const auto kept = std::find_if(info.headers.begin(), info.headers.end(),
                                 [](const Header& header) { return header.name == kCustomerKeyMd5; });
  const auto given = call.FindHeader(kCustomerKeyMd5);
  if (kept == info.headers.end() ? !given : given == kept->value) return std::nullopt;
  return ErrorReply(400, "InvalidRequest",
                    "The object is stored with another customer-provided key, or with none");
}

std::vector<Header> EncryptionHeaders(const ObjectInfo& info) {
  std::vector<Header> headers;
  for (const auto& header : info.headers) {
    if (header.name.starts_with(kEncryption)) headers.push_back(header);
  }
  return headers;
}

std::string ChecksumElement(const ObjectInfo& info) {
  if (info.checksum.empty()) return "";
  const auto& [header, value] = info.checksum[0];
  for (const auto* name : {"CRC32C", "CRC64NVME", "SHA256", "SHA1", "CRC32"}) {
    if (header == LowerCase(fmt::format("x-amz-checksum-{}", name))) {
      return fmt::format("<Checksum{0}>{1}</Checksum{0}>", name, value);
    }
  }
  return "";
}

}  // namespace s3::endpoint
