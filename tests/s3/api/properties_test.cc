#include "s3/api/properties.h"

#include <gtest/gtest.h>

#include "s3/hash/hash.h"

namespace s3 {
namespace properties_test {

ObjectProperties Full() {
  ObjectProperties properties;
  properties.Set("cache-control", "max-age=1");
  properties.Set("x-amz-meta-a", "1");
  properties.Set("if-none-match", "*");
  SetCustomerKey(std::string(32, 'k'), &properties);
  return properties;
}

TEST(ObjectProperties, ACustomerKeyIsNeverAnEntry) {
  const auto properties = Full();
  const auto base64 = Base64Encode(std::string(32, 'k'));
  EXPECT_EQ(properties.customer_key().Reveal(), base64);
  for (const auto& [name, value] : properties.entries()) EXPECT_NE(value, base64) << name;
  ObjectProperties rule, together = properties;
  together.Apply(rule);
  EXPECT_EQ(together.customer_key().Reveal(), base64) << "a rule without a key keeps the key";
  SetCustomerKey(std::string(32, 'r'), &rule);
  together.Apply(rule);
  EXPECT_EQ(together.customer_key().Reveal(), Base64Encode(std::string(32, 'r')));
  EXPECT_EQ(*together.Find("x-amz-server-side-encryption-customer-key-md5"),
            Base64Encode(AsBytes(Md5(std::string(32, 'r')))));
}

TEST(HeaderValueProblem, ControlCharactersAndSpacesAtTheEdgesAreRefused) {
  for (int c = 0; c < 256; ++c) {
    const std::string value = std::string("a") + static_cast<char>(c) + "b";
    const bool fine = c >= 0x20 && c < 0x7f;
    EXPECT_EQ(!HeaderValueProblem(value), fine) << c;
  }
  EXPECT_TRUE(HeaderValueProblem(" a"));
  EXPECT_TRUE(HeaderValueProblem("a  b"));
}

TEST(MetadataNameProblem, OnlyTokensThatAreNotOursAreAccepted) {
  EXPECT_TRUE(MetadataNameProblem("a b"));
  EXPECT_TRUE(MetadataNameProblem("S3FLOW-upload"));
  EXPECT_FALSE(MetadataNameProblem("a-b_c.d"));
}

TEST(ObjectProperties, AnEmptyValueRemovesAHeader) {
  ObjectProperties base, over;
  base.Set("cache-control", "max-age=1");
  over.Set("cache-control", "");
  base.Apply(over);
  EXPECT_EQ(base.Find("cache-control"), nullptr);
  EXPECT_TRUE(base.Headers().empty());
  ASSERT_EQ(base.entries().size(), 1u) << "shown as removed";
}

TEST(Tags, TheValueReadsBackToTheSameTags) {
  const Tags tags{{"a b", "c&d=e"}, {"\xc3\xa9", ""}, {"plus+", "%41"}};
  EXPECT_EQ(TaggingValue(tags), "a%20b=c%26d%3De&%C3%A9=&plus%2B=%2541");
  EXPECT_EQ(ParseTagging(TaggingValue(tags)), tags);
}

}  // namespace properties_test
}  // namespace s3
