#include "s3/stores/store_profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/client/multipart.h"
#include "tests/support/client_fixture.h"

namespace s3 {
namespace store_profiles_test {

using testing::HasSubstr;

DestinationOptions At(std::string endpoint, std::string profile = "auto") {
  DestinationOptions destination;
  destination.bucket = "b";
  destination.endpoint = std::move(endpoint);
  destination.profile = std::move(profile);
  return destination;
}

TEST(StoreProfilesTest, AHostIdentifiesTheStoreAndItsRegion) {
  const std::tuple<const char*, std::string_view, const char*> cases[] = {
      {"", "aws", ""},
      {"https://s3.eu-west-1.amazonaws.com", "aws", "eu-west-1"},
      {"https://s3.dualstack.eu-west-1.amazonaws.com", "aws", "eu-west-1"},
      {"https://s3.cn-north-1.amazonaws.com.cn", "aws", "cn-north-1"},
      {"https://s3.amazonaws.com", "aws", ""},
      {"https://s3-accelerate.amazonaws.com", "aws", ""},
      {"https://bucket.vpce-1a.s3.us-east-1.vpce.amazonaws.com", "aws", ""},
      {"https://s3.us-west-004.backblazeb2.com", "b2", "us-west-004"},
      {"https://s3.wasabisys.com", "wasabi", ""},
      {"https://s3.eu-central-1.wasabisys.com", "wasabi", "eu-central-1"},
      {"https://0123abc.r2.cloudflarestorage.com", "r2", "auto"},
      {"https://0123abc.eu.r2.cloudflarestorage.com", "r2", "auto"},
      {"https://storage.googleapis.com", "gcs", "auto"},
      {"https://s3.fr-par.scw.cloud", "scaleway", "fr-par"},
      {"https://nyc3.digitaloceanspaces.com", "digitalocean", "nyc3"},
      {"https://gateway.storjshare.io", "storj", ""},
      {"https://oss-eu-central-1.aliyuncs.com", "alibaba", ""},
      {"https://s3.us-south.cloud-object-storage.appdomain.cloud", "ibm", ""},
      {"https://evilamazonaws.com", "generic", ""},
      {"https://amazonaws.com.evil.example", "generic", ""},
      {"http://127.0.0.1:7480", "generic", ""},
      {"http://[::1]:7480", "generic", ""}};
  for (const auto& [endpoint, profile, region] : cases) {
    EXPECT_EQ(ProfileOf(At(endpoint)).name, profile) << endpoint;
    EXPECT_EQ(RegionOf(At(endpoint)).value_or(""), region) << endpoint;
  }
  DestinationOptions several;
  several.endpoints = {"https://s3.fr-par.scw.cloud"};
  EXPECT_EQ(ProfileOf(several).name, "scaleway");
  EXPECT_EQ(ProfileOf(At("https://s3.amazonaws.com", "ceph")).name, "ceph") << "the job's choice wins";
}

TEST(StoreProfilesTest, AutoDependsOnTheStore) {
  EXPECT_EQ(ResolveIntegrity({}, At("")).checksum, ChecksumAlgorithm::kCrc64Nvme);
  EXPECT_EQ(ResolveIntegrity({}, At("https://s3.us-west-2.amazonaws.com")).checksum,
            ChecksumAlgorithm::kCrc64Nvme);
  EXPECT_EQ(ResolveIntegrity({}, At("http://store:9000")).checksum, ChecksumAlgorithm::kMd5);
  EXPECT_EQ(ResolveIntegrity({.checksum = ChecksumAlgorithm::kNone}, At("")).checksum,
            ChecksumAlgorithm::kNone);
  EXPECT_TRUE(ResolveIntegrity({}, At("http://store:9000")).etag_of_parts_is_md5);
  EXPECT_FALSE(ResolveIntegrity({}, At("http://store:9000", "r2")).etag_of_parts_is_md5);
}

TEST(StoreProfilesTest, AKnownRefusalNamesTheOption) {
  using enum ChecksumAlgorithm;
  const auto problem = [](const char* profile, const IntegrityOptions& integrity) {
    return IntegrityProblem(integrity, *FindStoreProfile(profile)).value_or("");
  };
  EXPECT_THAT(problem("b2", {.checksum = kCrc32c}),
              HasSubstr("checksum CRC32C: stores of profile b2 refuse it"));
  EXPECT_THAT(problem("swift", {.checksum = kCrc64Nvme}), HasSubstr("CRC64NVME"));
  EXPECT_THAT(problem("r2", {.payload = PayloadMode::kStreaming, .checksum = kMd5}),
              HasSubstr("payload: streaming"));
  EXPECT_THAT(problem("gcs", {.payload = PayloadMode::kUnsigned, .checksum = kCrc32c, .trailer = true}),
              HasSubstr("checksum_as: trailer"));
  for (const auto& profile : StoreProfiles()) {
    const auto integrity = ResolveIntegrity({}, At("http://store:9000", std::string(profile.name)));
    EXPECT_EQ(IntegrityProblem(integrity, profile), std::nullopt) << profile.name;
    EXPECT_EQ(FindStoreProfile(profile.name), &profile) << "names are unique";
  }
}

TEST(StoreProfilesTest, PartsOfAStreamAreEqualWhereTheStoreNeedsIt) {
  const auto& limits = FindStoreProfile("r2")->limits;
  EXPECT_EQ(StreamPartBytes(9'999, {}, limits), StreamPartBytes(1, {}, limits));
  EXPECT_GT(StreamPartBytes(9'999, {}, StoreLimits{}), StreamPartBytes(1, {}, StoreLimits{}));
}

// The embedded endpoint emulates each profile in turn.
class EmulatedStoreTest : public testing::TestWithParam<StoreProfile> {
 protected:
  EmulatedStoreTest() : name_(GetParam().name) {
    options_ = test::WithBucket();
    options_.emulated_profile = FindStoreProfile(name_);
    options_.min_part_bytes = 10;
  }
  IntegrityOptions Resolved(IntegrityOptions integrity) const {
    return ResolveIntegrity(integrity, At("http://store:9000", name_));
  }
  const std::string name_;
  endpoint::ServerOptions options_;
};

TEST_P(EmulatedStoreTest, AcceptsTheDefaults) {
  test::ClientFixture fixture(options_, Resolved({}), 1);
  // The fixture's client resolves the options by the endpoint's host, so this test makes a client of its own.
  Client client(&fixture.facts, &fixture.credentials, &fixture.admission, fixture.options.retry, Resolved({}),
                &fixture.loops, &fixture.waiter, {});
  const auto put = client.PutObject({"small", &fixture.properties}, MakePayload("body", client.integrity()),
                                    "", test::IgnoreRetries);
  EXPECT_TRUE(put.response) << put.response.error().message;
  MultipartUpload upload(&client, {"large", &fixture.properties});
  ASSERT_TRUE(upload.Create(test::IgnoreRetries).response);
  std::vector<CompletedPart> parts;
  const std::string pieces[] = {"0123456789", "abcdefghij", "end"};
  for (int i = 0; i < 3; ++i) {
    const auto payload = MakePayload(pieces[i], client.integrity());
    const auto sent = upload.UploadPart(i + 1, payload, test::IgnoreRetries);
    ASSERT_TRUE(sent.response) << sent.response.error().message;
    parts.push_back({i + 1, pieces[i].size(), sent.response->etag, payload.checksum});
  }
  const auto completed = upload.Complete(parts, 23, test::IgnoreRetries);
  EXPECT_TRUE(completed.response) << completed.response.error().message;
  EXPECT_EQ(fixture.Stored("large"), "0123456789abcdefghijend");
}

TEST_P(EmulatedStoreTest, RefusesWhatItsProfileRefuses) {
  const IntegrityOptions all[] = {
      {.checksum = ChecksumAlgorithm::kCrc32c},
      {.checksum = ChecksumAlgorithm::kCrc64Nvme},
      {.checksum = ChecksumAlgorithm::kSha256},
      {.payload = PayloadMode::kStreaming, .checksum = ChecksumAlgorithm::kNone},
      {.payload = PayloadMode::kUnsigned, .checksum = ChecksumAlgorithm::kCrc32c, .trailer = true}};
  for (const auto& integrity : all) {
    test::ClientFixture fixture(options_, integrity, 1);
    const auto put = fixture.Put("key", "body");
    const bool refused = IntegrityProblem(integrity, GetParam()).has_value();
    EXPECT_EQ(put.response.has_value(), !refused) << name_;
    if (refused) {
      EXPECT_THAT(put.response.error().message, HasSubstr("integrity.")) << "names the option";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, EmulatedStoreTest,
                         testing::ValuesIn(StoreProfiles().begin(), StoreProfiles().end()),
                         [](const auto& store) { return std::string(store.param.name); });

}  // namespace store_profiles_test
}  // namespace s3
