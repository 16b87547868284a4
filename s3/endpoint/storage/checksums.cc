#include "s3/endpoint/storage/checksums.h"

#include <fmt/format.h>

#include "s3/hash/checksum.h"

namespace s3::endpoint {

std::optional<StreamChecksum> StreamChecksum::Of(std::string_view header) {
  const auto digest = [](Digest::Kind kind) {
    StreamChecksum checksum(Kind::kDigest);
    checksum.digest_.emplace(kind);
    return checksum;
  };
  if (header == "x-amz-checksum-crc32") return StreamChecksum(Kind::kCrc32);
  if (header == "x-amz-checksum-crc32c") return StreamChecksum(Kind::kCrc32c);
  if (header == "x-amz-checksum-crc64nvme") return StreamChecksum(Kind::kCrc64Nvme);
  if (header == "x-amz-checksum-sha1") return digest(Digest::Kind::kSha1);
  if (header == "x-amz-checksum-sha256") return digest(Digest::Kind::kSha256);
  return std::nullopt;
}

void StreamChecksum::Update(std::string_view bytes) {
  switch (kind_) {
    case Kind::kCrc32: crc_ = Crc32(bytes, static_cast<std::uint32_t>(crc_)); break;
    case Kind::kCrc32c: crc_ = Crc32c(bytes, static_cast<std::uint32_t>(crc_)); break;
    case Kind::kCrc64Nvme: crc_ = Crc64Nvme(bytes, crc_); break;
    case Kind::kDigest: digest_->Update(bytes); break;
  }
}

std::string StreamChecksum::Finish() {
  switch (kind_) {
    case Kind::kCrc64Nvme: return CrcText(crc_);
    case Kind::kDigest: return Base64Encode(digest_->Finish());
    default: return CrcText(static_cast<std::uint32_t>(crc_));
  }
}

std::string ChecksumOfParts(std::string_view header, const std::vector<PartChecksum>& parts,
                            bool full_object) {
  if (full_object) {
    CrcOfParts crc(header == "x-amz-checksum-crc64nvme" ? ChecksumAlgorithm::kCrc64Nvme
                                                        : ChecksumAlgorithm::kCrc32c);
    for (const auto& part : parts) crc.Add(part.text, part.bytes);
    return crc.Text();
  }
  auto of_values = StreamChecksum::Of(header).value();
  for (const auto& part : parts) of_values.Update(Base64Decode(part.text).value_or(""));
  return fmt::format("{}-{}", of_values.Finish(), parts.size());
}

}  // namespace s3::endpoint
