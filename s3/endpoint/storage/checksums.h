// Every x-amz-checksum-* of S3, of a stream. Values; one thread at a time.
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
  // "x-amz-checksum-crc32", -crc32c, -crc64nvme, -sha1 or -sha256; nothing for another name.
  static std::optional<StreamChecksum> Of(std::string_view header);

  void Update(std::string_view bytes);
  // Base64, as S3 writes it. Ends the stream; call once.
  std::string Finish();

 private:
  enum class Kind { kCrc32, kCrc32c, kCrc64Nvme, kDigest };
  explicit StreamChecksum(Kind kind) : kind_(kind) {}

  Kind kind_;
  std::uint64_t crc_ = 0;
  std::optional<Digest> digest_;
};

// The value of an object of parts, from theirs (base64, in order, with their sizes): FULL_OBJECT for
// CRCs when `full_object`, else COMPOSITE ("...-N").
struct PartChecksum {
  std::string text;
  std::uint64_t bytes = 0;
};
std::string ChecksumOfParts(std::string_view header, const std::vector<PartChecksum>& parts,
                            bool full_object);

}  // namespace s3::endpoint
