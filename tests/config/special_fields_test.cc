#include "config/special_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace config {
namespace special_fields_test {

using testing::HasSubstr;

TEST(Proxy, AUrlIsCheckedAndShownWithoutItsPassword) {
  s3::ProxyOptions proxy;
  const auto field = Proxy("proxy", &proxy);
  for (const auto* good : {"auto", "none", "http://h:1", "socks5://u:p@h:1", "socks5h://h"}) {
    EXPECT_FALSE(field.set(good)) << good;
  }
  for (const auto* bad : {"", "http", "ftp://h:1", "http://h:x", "http://u:p@", "http://h\n"}) {
    EXPECT_TRUE(field.set(bad)) << bad;
  }
  EXPECT_THAT(*field.set("http://h:hunter2"), testing::Not(HasSubstr("hunter2")));
  ASSERT_FALSE(field.set("http://u:hunter2@h:1"));
  EXPECT_EQ(field.show(), "\"http://**redacted**@h:1\"");
  EXPECT_TRUE(field.holds_secret("http://u:hunter2@h"));
  EXPECT_TRUE(field.holds_secret("http://token@h"));
  EXPECT_FALSE(field.holds_secret("http://h:1"));
  ASSERT_FALSE(field.set("none"));
  EXPECT_EQ(field.show(), "none");
}

TEST(OnFailure, TextsAndMappingsMeanTheSame) {
  pipeline::FailureLimit limit;
  const auto field = OnFailure("on_failure", &limit);
  const auto read = [&](Value value) {
    std::vector<Problem> problems;
    field.read(value, "limits.on_failure", &problems);
    return problems.empty() ? field.show() : "refused";
  };
  const auto text = [](std::string words) {
    return Value{.kind = Value::Kind::kScalar, .text = std::move(words)};
  };
  EXPECT_EQ(read(text("continue")), "continue");
  EXPECT_EQ(read(text("stop")), "stop");
  EXPECT_EQ(read(text("stop_after: 10")), "'stop_after: 10'");
  EXPECT_EQ(read(text("stop_above: 5%")), "'stop_above: 5%'");
  Value mapping{.kind = Value::Kind::kMapping};
  mapping.entries.push_back({"stop_after", "", text("3")});
  EXPECT_EQ(read(mapping), "'stop_after: 3'");
  for (const auto* wrong : {"stop_after: 0", "stop_after: 1.5", "stop_above: 101%", "stop: 1", "never"}) {
    EXPECT_EQ(read(text(wrong)), "refused") << wrong;
  }
}

TEST(Checks, RegionsAndKeyIds) {
  EXPECT_FALSE(CheckRegion("us-east-1"));
  EXPECT_TRUE(CheckRegion(""));
  EXPECT_TRUE(CheckRegion("us east"));
  EXPECT_FALSE(CheckKeyId("AKIA123\n")) << "a line end at the end is ignored later";
  EXPECT_TRUE(CheckKeyId("A\nB"));
  EXPECT_TRUE(CheckKeyId("A/B"));
  EXPECT_FALSE(CheckPrefix(std::string(1024, 'x')));
  EXPECT_TRUE(CheckPrefix(std::string(1025, 'x')));
}

}  // namespace special_fields_test
}  // namespace config
