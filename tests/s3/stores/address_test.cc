#include "s3/stores/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace s3 {
namespace address_test {

using testing::HasSubstr;

std::string Resolve(const DestinationOptions& destination) {
  const auto addresses = ResolveBucket(destination);
  if (!addresses) return "refused: " + addresses.error().message;
  std::string text;
  for (const auto& [endpoint, root] : *addresses) {
    text += (text.empty() ? "" : " ") + endpoint.scheme + "://" + endpoint.HostHeader() + root;
  }
  return text;
}

TEST(AddressTest, ChoosesTheAddressingStyle) {
  const auto resolve = [](std::string bucket, std::string endpoint, Addressing addressing) {
    return Resolve({.bucket = std::move(bucket),
                    .endpoint = std::move(endpoint),
                    .region = "eu-west-1",
                    .addressing = addressing});
  };
  EXPECT_EQ(resolve("b-1", "", Addressing::kAuto), "https://b-1.s3.eu-west-1.amazonaws.com/");
  EXPECT_EQ(resolve("b.1", "", Addressing::kAuto), "https://s3.eu-west-1.amazonaws.com/b.1/");
  EXPECT_EQ(resolve("b-1", "", Addressing::kPath), "https://s3.eu-west-1.amazonaws.com/b-1/");
  EXPECT_EQ(resolve("b-1", "http://127.0.0.1:1", Addressing::kAuto), "http://127.0.0.1:1/b-1/");
  EXPECT_EQ(resolve("b-1", "http://[::1]:7480", Addressing::kAuto), "http://[::1]:7480/b-1/");
  EXPECT_EQ(resolve("b-1", "http://store:1", Addressing::kVirtual), "http://b-1.store:1/");
  EXPECT_THAT(resolve("b-1", "http://127.0.0.1:1", Addressing::kVirtual), HasSubstr("is an IP address"));
  EXPECT_THAT(resolve("b-1", "http://[::1]:1", Addressing::kVirtual), HasSubstr("is an IP address"));
}

// Hosts as https://docs.aws.amazon.com/general/latest/gr/s3.html lists them.
TEST(AddressTest, AwsHosts) {
  const std::tuple<const char*, bool, bool, bool, const char*> cases[] = {
      {"eu-west-1", true, false, false, "https://b-1.s3.dualstack.eu-west-1.amazonaws.com/"},
      {"us-east-1", false, true, false, "https://b-1.s3-fips.us-east-1.amazonaws.com/"},
      {"us-west-2", true, true, false, "https://b-1.s3-fips.dualstack.us-west-2.amazonaws.com/"},
      {"us-gov-west-1", false, false, false, "https://b-1.s3.us-gov-west-1.amazonaws.com/"},
      {"us-gov-west-1", true, true, false, "https://b-1.s3-fips.dualstack.us-gov-west-1.amazonaws.com/"},
      {"cn-north-1", false, false, false, "https://b-1.s3.cn-north-1.amazonaws.com.cn/"},
      {"cn-north-1", true, false, false, "https://b-1.s3.dualstack.cn-north-1.amazonaws.com.cn/"},
      {"us-iso-east-1", false, false, false, "https://b-1.s3.us-iso-east-1.c2s.ic.gov/"},
      {"us-isob-east-1", false, false, false, "https://b-1.s3.us-isob-east-1.sc2s.sgov.gov/"},
      {"eusc-de-east-1", false, false, false, "https://b-1.s3.eusc-de-east-1.amazonaws.eu/"},
      {"eu-west-1", false, false, true, "https://b-1.s3-accelerate.amazonaws.com/"},
      {"eu-west-1", true, false, true, "https://b-1.s3-accelerate.dualstack.amazonaws.com/"},
  };
  for (const auto& [region, dualstack, fips, accelerate, expected] : cases) {
    EXPECT_EQ(Resolve({.bucket = "b-1",
                       .region = region,
                       .dualstack = dualstack,
                       .fips = fips,
                       .accelerate = accelerate}),
              expected);
  }
}

TEST(AddressTest, ContradictionsAndMissingEndpointsAreErrors) {
  const std::pair<DestinationOptions, const char*> cases[] = {
      {{.bucket = "b-1", .region = "cn-north-1", .fips = true}, "fips is not available in region cn-north-1"},
      {{.bucket = "b-1", .region = "cn-north-1", .accelerate = true}, "not available in region cn-north-1"},
      {{.bucket = "b-1", .region = "us-gov-west-1", .accelerate = true}, "not available in region us-gov"},
      {{.bucket = "b-1", .fips = true, .accelerate = true}, "together with fips"},
      {{.bucket = "b.1", .accelerate = true}, "can be part of a host name"},
      {{.bucket = "b-1", .addressing = Addressing::kPath, .accelerate = true}, "virtual addressing"},
      {{.bucket = "b-1", .endpoint = "http://h:1", .dualstack = true}, "are for AWS's endpoints"},
      {{.bucket = "b-1", .endpoint = "http://h:1", .endpoints = {"http://h:2"}}, "not both"},
      {{.bucket = "b-1", .endpoints = {"https://h:1", "http://h:2"}}, "all https or all http"},
      {{.bucket = "b-1", .endpoints = {"http://h:1", "http://h:x"}}, "an invalid port"},
  };
  for (const auto& [destination, reason] : cases) EXPECT_THAT(Resolve(destination), HasSubstr(reason));
}

TEST(AddressTest, SeveralEndpointsKeepTheirOrder) {
  EXPECT_EQ(Resolve({.bucket = "b-1", .endpoints = {"http://h:1", "http://[fd00::1]:2"}}),
            "http://h:1/b-1/ http://[fd00::1]:2/b-1/");
}

}  // namespace address_test
}  // namespace s3
