#include "s3/endpoint/emulate_profile.h"

#include <gtest/gtest.h>

namespace s3::endpoint {
namespace emulate_profile_test {

TEST(EmulatedRefusal, RefusesOnlyWhatTheProfileDoesNotSupport) {
  StoreProfile profile = *FindStoreProfile("aws");
  Call call;
  call.headers = {{"x-amz-checksum-crc64nvme", "AAAAAAAAAAA="}, {"if-none-match", "*"}};
  EXPECT_FALSE(EmulatedRefusal(profile, call));
  profile.crc64nvme = Takes::kNo;
  ASSERT_TRUE(EmulatedRefusal(profile, call));
  EXPECT_EQ(EmulatedRefusal(profile, call)->status, 501);
  profile.crc64nvme = Takes::kYes;
  profile.conditions = Takes::kNo;
  EXPECT_TRUE(EmulatedRefusal(profile, call));
  call.headers.clear();
  EXPECT_FALSE(EmulatedRefusal(profile, call));
}

TEST(EmulatedRefusal, PartNumbersHaveTheLimitOfTheStore) {
  StoreProfile profile = *FindStoreProfile("aws");
  profile.limits.max_parts = 100;
  Call call;
  call.query = {{"partNumber", "100"}};
  EXPECT_FALSE(EmulatedRefusal(profile, call));
  call.query = {{"partNumber", "101"}};
  EXPECT_TRUE(EmulatedRefusal(profile, call));
}

}  // namespace emulate_profile_test
}  // namespace s3::endpoint
