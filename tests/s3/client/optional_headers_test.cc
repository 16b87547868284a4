// Stores that refuse headers which S3 accepts and which the client can do without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/strict_store.h"

namespace s3 {
namespace optional_headers_test {

using namespace test_stores;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

struct Refusal {
  std::string header, code, message;
  int status;
};

// The refused request is the only cost, once in a run.
TEST(OptionalHeadersTest, ARefusedHeaderIsLeftOutFromThenOn) {
  const Refusal refusals[] = {
      {"x-amz-mp-object-size", "NotImplemented", "A header you provided implies what is not implemented",
       501},
      {"x-amz-mp-object-size", "", "", 501},
      {"x-amz-mp-object-size", "InvalidArgument", "Unsupported header 'X-Amz-Mp-Object-Size' received", 400},
      {"x-amz-mp-object-size", "NotImplemented", "no", 400},
      {"x-amz-mp-object-size", "", "", 400},
      {"x-amz-mp-object-size", "MethodNotAllowed", "no", 405},
      {"x-amz-checksum-type", "NotImplemented", "no", 501},
      {"x-amz-checksum-type", "InvalidArgument", "no x-amz-checksum-type here", 400}};
  for (const auto& [header, code, message, status] : refusals) {
    const bool checksum = header == "x-amz-checksum-type";
    StrictStoreFixture fixture(
        {.refused_header = header,
         .refusal_status = status,
         .refusal_code = code,
         .refusal_message = message},
        {.checksum = checksum ? ChecksumAlgorithm::kCrc64Nvme : ChecksumAlgorithm::kMd5,
         .etag_of_parts_is_md5 = false});
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(ResultText(fixture.UploadMultipart()), "success") << header << status << code;
      EXPECT_TRUE(fixture.store.has_object());
    }
    EXPECT_EQ(fixture.store.count_of_refused_header(), 1) << header << status << code;
    EXPECT_THAT(fixture.notices, Contains(HasSubstr(header)));
  }
}

TEST(OptionalHeadersTest, ARefusedChecksumModeIsLeftOutOfHeadObject) {
  for (const int status : {501, 400, 405}) {
    StrictStoreFixture fixture({.refused_header = "x-amz-checksum-mode", .refusal_status = status},
                               {.checksum = ChecksumAlgorithm::kCrc32c});
    ASSERT_TRUE(fixture.Put().response);
    EXPECT_EQ(ResultText(fixture.client.HeadObject({"k", &fixture.properties}, IgnoreRetries)), "success")
        << status;
    EXPECT_EQ(ResultText(fixture.client.HeadObject({"k", &fixture.properties}, IgnoreRetries)), "success")
        << status;
    EXPECT_EQ(fixture.store.count_of_refused_header(), 1);
  }
}

// The header cannot be left out, or the refusal concerns something else.
TEST(OptionalHeadersTest, HeadersThatMatterAreNotLeftOut) {
  const Refusal refusals[] = {{"x-amz-mp-object-size", "InvalidRequest",
                               "x-amz-mp-object-size does not match", 400},  // S3: another size
                              {"x-amz-mp-object-size", "EntityTooSmall", "a part is too small", 400},
                              {"x-amz-mp-object-size", "AccessDenied", "no", 403},
                              {"x-amz-tagging", "NotImplemented", "no x-amz-tagging", 501},
                              {"content-md5", "InvalidArgument", "no", 400}};
  for (const auto& [header, code, message, status] : refusals) {
    StrictStoreFixture fixture({.refused_header = header,
                                .refusal_status = status,
                                .refusal_code = code,
                                .refusal_message = message});
    fixture.properties.Set("x-amz-tagging", "a=b");
    fixture.upload.emplace(&fixture.client, ObjectTarget{"k", &fixture.properties});
    auto ended = fixture.upload->Create(IgnoreRetries);
    if (ended.response) ended = fixture.UploadPartAndComplete();
    EXPECT_FALSE(ended.response) << header << code;
    EXPECT_GE(fixture.store.count_of_refused_header(), 1);
    EXPECT_THAT(fixture.notices, IsEmpty());
  }
}

// Without its type a CRC32C would be a checksum of the parts' checksums.
TEST(OptionalHeadersTest, TheTypeOfACrc32cIsNotOptional) {
  StrictStoreFixture fixture({.refused_header = "x-amz-checksum-type"},
                             {.checksum = ChecksumAlgorithm::kCrc32c});
  fixture.upload.emplace(&fixture.client, ObjectTarget{"k", &fixture.properties});
  EXPECT_FALSE(fixture.upload->Create(IgnoreRetries).response);
  EXPECT_EQ(fixture.store.count_of_refused_header(), 1);
}

}  // namespace optional_headers_test
}  // namespace s3
