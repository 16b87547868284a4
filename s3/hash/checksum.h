// S3's additional checksums: how each is computed, written, and combined from those of parts. Pure,
// any thread. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "s3/options.h"

namespace s3 {

// CRC-32/ISCSI and CRC-64/NVME: https://reveng.sourceforge.io/crc-catalogue/all.htm. `previous` is
// the value of the bytes before, so that data may come in pieces.
std::uint32_t Crc32c(std::string_view data, std::uint32_t previous = 0);
std::uint64_t Crc64Nvme(std::string_view data, std::uint64_t previous = 0);
std::uint32_t Crc32(std::string_view data, std::uint32_t previous = 0);  // CRC-32/ISO-HDLC
// The same from a table, byte by byte: for processors without carry-less multiplication, and for
// tests to compare with.
std::uint64_t Crc64NvmeByTable(std::string_view data, std::uint64_t previous = 0);

// The value of A followed by B, from that of A, that of B and the size of B.
std::uint32_t CombineCrc32c(std::uint32_t a, std::uint32_t b, std::uint64_t b_bytes);
std::uint64_t CombineCrc64Nvme(std::uint64_t a, std::uint64_t b, std::uint64_t b_bytes);

// The value of a checksum as S3 writes it: base64 of its bytes, the highest first. Empty for kNone.
// kMd5 is not among S3's additional checksums: it travels as Content-MD5.
std::string ChecksumText(ChecksumAlgorithm algorithm, std::string_view data);
std::string CrcText(std::uint32_t crc32c);
std::string CrcText(std::uint64_t crc64nvme);

// "x-amz-checksum-crc32c"; empty for kNone and kMd5.
std::string_view ChecksumHeader(ChecksumAlgorithm algorithm);
// "CRC32C", as x-amz-checksum-algorithm spells it; empty for kNone and kMd5.
std::string_view ChecksumName(ChecksumAlgorithm algorithm);
// True when the value of a whole object follows from those of its parts (type FULL_OBJECT).
bool IsCrc(ChecksumAlgorithm algorithm);

// The full-object CRC of parts that come in order; each adds its text and size.
class CrcOfParts {
 public:
  explicit CrcOfParts(ChecksumAlgorithm algorithm) : algorithm_(algorithm) {}
  // False when `text` is not a value of this algorithm.
  bool Add(std::string_view text, std::uint64_t bytes);
  std::string Text() const;

 private:
  const ChecksumAlgorithm algorithm_;
  std::uint64_t crc_ = 0;
};

}  // namespace s3
