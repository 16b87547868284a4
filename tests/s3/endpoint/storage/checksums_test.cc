#include "s3/endpoint/storage/checksums.h"

#include <gtest/gtest.h>

namespace s3::endpoint {
namespace checksums_test {

std::string Of(const char* header, std::string_view text) {
  auto checksum = StreamChecksum::Of(header).value();
  checksum.Update(text.substr(0, 3));
  checksum.Update(text.substr(3));
  return checksum.Finish();
}

// The check values of the CRC catalogue (reveng) for "123456789", in base64: cbf43926, e3069283,
// ae8b14860a799888.
TEST(StreamChecksum, CheckValuesOfEachAlgorithm) {
  EXPECT_EQ(Of("x-amz-checksum-crc32", "123456789"), "y/Q5Jg==");
  EXPECT_EQ(Of("x-amz-checksum-crc32c", "123456789"), "4waSgw==");
  EXPECT_EQ(Of("x-amz-checksum-crc64nvme", "123456789"), "rosUhgp5mIg=");
  EXPECT_FALSE(StreamChecksum::Of("x-amz-checksum-type"));
}

TEST(ChecksumOfParts, FullObjectEqualsTheChecksumOfTheWhole) {
  const std::vector<PartChecksum> parts{{Of("x-amz-checksum-crc32c", "12345"), 5},
                                        {Of("x-amz-checksum-crc32c", "6789"), 4}};
  EXPECT_EQ(ChecksumOfParts("x-amz-checksum-crc32c", parts, true), "4waSgw==");
  EXPECT_TRUE(ChecksumOfParts("x-amz-checksum-crc32c", parts, false).ends_with("-2"));
}

}  // namespace checksums_test
}  // namespace s3::endpoint
