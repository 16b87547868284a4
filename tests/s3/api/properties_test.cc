#include "s3/api/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/api/requests.h"
#include "s3/hash/hash.h"

namespace s3 {
namespace {

using testing::Contains;
using testing::Field;
using testing::Not;

const BucketAddress kBucket{Endpoint{"http", "store", 80}, "/b/"};

ObjectProperties Full() {
  ObjectProperties properties;
  properties.Set("cache-control", "max-age=1");
  properties.Set("x-amz-meta-a", "1");
  properties.Set("if-none-match", "*");
  SetCustomerKey(std::string(32, 'k'), &properties);
  return properties;
}

std::vector<std::string> NamesOf(const HttpRequest& request) {
  std::vector<std::string> names;
  for (const auto& header : request.headers) names.push_back(header.name);
  for (const auto& header : request.secret_headers) names.push_back(header.name);
  return names;
}

TEST(PropertiesTest, EachRequestCarriesWhatItMust) {
  const auto properties = Full();
  const ObjectTarget target{"k", &properties};
  const std::string key = "x-amz-server-side-encryption-customer-key";
  EXPECT_THAT(NamesOf(BuildPutObject(kBucket, target, "")),
              testing::UnorderedElementsAre("cache-control", "x-amz-meta-a", "if-none-match", key,
                                            key + "-md5", "x-amz-server-side-encryption-customer-algorithm"));
  const auto create = NamesOf(BuildCreateMultipartUpload(kBucket, target, ChecksumAlgorithm::kNone, "token"));
  EXPECT_THAT(create, Contains("cache-control"));
  EXPECT_THAT(create, Contains(std::string(kTokenHeader)));
  EXPECT_THAT(create, Not(Contains("if-none-match")));
  const auto part = NamesOf(BuildUploadPart(kBucket, target, "id", 1));
  EXPECT_THAT(part, Contains(key));
  EXPECT_THAT(part, Not(Contains("cache-control")));
  const auto complete =
      NamesOf(BuildCompleteMultipartUpload(kBucket, target, "id", 1, ChecksumAlgorithm::kNone, "", ""));
  EXPECT_THAT(complete, Contains("if-none-match"));
  EXPECT_THAT(complete, Contains(key));
  EXPECT_THAT(complete, Contains("content-type"));
  EXPECT_THAT(NamesOf(BuildHeadObject(kBucket, target, true)), Contains(key));
}

TEST(PropertiesTest, ACustomersKeyIsNoTextLikeTheOthers) {
  const auto properties = Full();
  const auto base64 = Base64Encode(std::string(32, 'k'));
  EXPECT_EQ(properties.customer_key().Reveal(), base64);
  for (const auto& [name, value] : properties.entries()) EXPECT_NE(value, base64) << name;
  ObjectProperties rule, together = properties;
  together.Apply(rule);
  EXPECT_EQ(together.customer_key().Reveal(), base64) << "a rule without one leaves it";
  SetCustomerKey(std::string(32, 'r'), &rule);
  together.Apply(rule);
  EXPECT_EQ(together.customer_key().Reveal(), Base64Encode(std::string(32, 'r')));
  EXPECT_EQ(*together.Find("x-amz-server-side-encryption-customer-key-md5"),
            Base64Encode(AsBytes(Md5(std::string(32, 'r')))));
}

TEST(PropertiesTest, ChecksumTypesOfMultipartUploads) {
  const ObjectProperties none;
  const auto type = [&](ChecksumAlgorithm algorithm) {
    for (const auto& header : BuildCreateMultipartUpload(kBucket, {"k", &none}, algorithm, "").headers) {
      if (header.name == "x-amz-checksum-type") return header.value;
    }
    return std::string();
  };
  EXPECT_EQ(type(ChecksumAlgorithm::kCrc64Nvme), "FULL_OBJECT");
  EXPECT_EQ(type(ChecksumAlgorithm::kCrc32c), "FULL_OBJECT");
  EXPECT_EQ(type(ChecksumAlgorithm::kSha256), "COMPOSITE");
  EXPECT_EQ(type(ChecksumAlgorithm::kMd5), "");
}

TEST(PropertiesTest, ETagsGoIntoXmlEscaped) {
  const auto xml = BuildCompletionXml({{1, 5, "\"a&<b>\"", "AAAA"}}, ChecksumAlgorithm::kCrc32c);
  EXPECT_THAT(xml, testing::HasSubstr(
                       "<ETag>&quot;a&amp;&lt;b&gt;&quot;</ETag><ChecksumCRC32C>AAAA</ChecksumCRC32C>"));
}

TEST(PropertiesTest, ControlCharactersAreRefusedInEveryValue) {
  for (int c = 0; c < 256; ++c) {
    const std::string value = std::string("a") + static_cast<char>(c) + "b";
    const bool fine = c >= 0x20 && c < 0x7f;
    EXPECT_EQ(!HeaderValueProblem(value), fine) << c;
  }
  EXPECT_TRUE(HeaderValueProblem(" a"));
  EXPECT_TRUE(HeaderValueProblem("a  b"));
  EXPECT_TRUE(MetadataNameProblem("a b"));
  EXPECT_TRUE(MetadataNameProblem("S3FLOW-upload"));
  EXPECT_FALSE(MetadataNameProblem("a-b_c.d"));
}

TEST(PropertiesTest, TagsReadBack) {
  const Tags tags{{"a b", "c&d=e"}, {"\xc3\xa9", ""}, {"plus+", "%41"}};
  EXPECT_EQ(TaggingValue(tags), "a%20b=c%26d%3De&%C3%A9=&plus%2B=%2541");
  EXPECT_EQ(ParseTagging(TaggingValue(tags)), tags);
}

}  // namespace
}  // namespace s3
