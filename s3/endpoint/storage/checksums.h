// Computes any x-amz-checksum-* of S3 over a stream. For one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/hash/hash.h"

namespace s3::endpoint {

class StreamChecksum {
 public:
  // `header`: "x-amz-checksum-crc32", -crc32c, -crc64nvme, -sha1 or -sha256. Returns nothing for another
  // name.
  static std::optional<StreamChecksum> Of(std::string_view header);

  void Update(std::string_view bytes);
  // Returns the checksum in base64. Call it once, at the end of the stream.
  std::string Finish();

 private:
  enum class Kind { kCrc32, kCrc32c, kCrc64Nvme, kDigest };
  explicit StreamChecksum(Kind kind) : kind_(kind) {}

  Kind kind_;
  std::uint64_t crc_ = 0;
  std::optional<Digest> digest_;
};

struct PartChecksum {
  std::string text;  // base64
  std::uint64_t bytes = 0;
};
// Computes the checksum of an object from the checksums of its parts, which must be in order. With
// `full_object` the result has S3's type FULL_OBJECT, which exists only for CRCs. Otherwise its type is
// COMPOSITE ("...-N").
std::string ChecksumOfParts(std::string_view header, const std::vector<PartChecksum>& parts,
                            bool full_object);

}  // namespace s3::endpoint
