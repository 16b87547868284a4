// Computes S3's additional checksums, writes them as text, and combines the checksums of parts. Pure
// functions, any thread. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "s3/options.h"

namespace s3 {

// CRC-32/ISCSI and CRC-64/NVME: https://reveng.sourceforge.io/crc-catalogue/all.htm. For data that arrives in
// pieces, `previous` is the CRC of all pieces before `data`.
std::uint32_t Crc32c(std::string_view data, std::uint32_t previous = 0);
std::uint64_t Crc64Nvme(std::string_view data, std::uint64_t previous = 0);
std::uint32_t Crc32(std::string_view data, std::uint32_t previous = 0);  // CRC-32/ISO-HDLC
// Computes Crc64Nvme byte by byte from a table: for processors without carry-less multiplication, and for
// tests.
std::uint64_t Crc64NvmeByTable(std::string_view data, std::uint64_t previous = 0);

// Return the CRC of A followed by B, from the CRC of A, the CRC of B and the size of B.
std::uint32_t CombineCrc32c(std::uint32_t a, std::uint32_t b, std::uint64_t b_bytes);
std::uint64_t CombineCrc64Nvme(std::uint64_t a, std::uint64_t b, std::uint64_t b_bytes);

// Return a checksum as S3 writes it: base64 of its bytes, most significant byte first. For kMd5 the text is
// the value of Content-MD5. Empty for kNone and kAuto.
std::string ChecksumText(ChecksumAlgorithm algorithm, std::string_view data);
std::string CrcText(std::uint32_t crc32c);
std::string CrcText(std::uint64_t crc64nvme);

// Returns the name of the checksum header, for example "x-amz-checksum-crc32c"; empty for kAuto, kNone and
// kMd5.
std::string_view ChecksumHeader(ChecksumAlgorithm algorithm);
// Returns the name in x-amz-checksum-algorithm, for example "CRC32C"; empty for kAuto, kNone and kMd5.
std::string_view ChecksumName(ChecksumAlgorithm algorithm);
// Returns true when the checksum of an object can be computed from the checksums of its parts (type
// FULL_OBJECT).
bool IsCrc(ChecksumAlgorithm algorithm);

// Computes the full-object CRC from the CRCs of the parts. Add the parts in their order.
class CrcOfParts {
 public:
  explicit CrcOfParts(ChecksumAlgorithm algorithm) : algorithm_(algorithm) {}
  // `text`: the part's checksum as S3 writes it. Returns false, and adds nothing, when `text` is not a
  // checksum of this algorithm.
  bool Add(std::string_view text, std::uint64_t bytes);
  std::string Text() const;

 private:
  const ChecksumAlgorithm algorithm_;
  std::uint64_t crc_ = 0;
};

}  // namespace s3
