#include "s3/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/mutator.h"

namespace s3 {
namespace uri_test {

TEST(Uri, EncodesAllButUnreserved) {
  EXPECT_EQ(UriEncode("aZ09-._~", false), "aZ09-._~");
  EXPECT_EQ(UriEncode("a b+%?#&=/\n\xff", true), "a%20b%2B%25%3F%23%26%3D/%0A%FF");
  EXPECT_EQ(UriEncode("/", false), "%2F");
}

TEST(Uri, DecodesWhatItEncodesAndRefusesBrokenPercents) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(UriDecode(UriEncode(all, false)), all);
  for (const auto* wrong : {"%", "%4", "a%zz", "%4g"}) EXPECT_EQ(UriDecode(wrong), std::nullopt) << wrong;
}

TEST(Uri, CanonicalQuerySortsByEncodedName) {
  EXPECT_EQ(CanonicalQuery({{"b", "2"}, {"a", "x y"}, {"a", ""}, {"A", "1"}}), "A=1&a=&a=x%20y&b=2");
}

TEST(ParseEndpoint, AcceptsSchemeHostAndPort) {
  const auto good = ParseEndpoint("HTTP://S3.Example.COM:9000/");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->scheme, "http");
  EXPECT_EQ(good->HostHeader(), "s3.example.com:9000");
  EXPECT_EQ(ParseEndpoint("https://[fd00::1]:7443")->HostHeader(), "[fd00::1]:7443");
  EXPECT_EQ(ParseEndpoint("https://h")->port, 443);
}

TEST(ParseEndpoint, RefusesWithAReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"localhost:9000", "no scheme"},      {"ftp://h", "scheme other than"},
      {"http://h:0", "invalid port"},       {"http://h:65536", "invalid port"},
      {"http://h:x", "invalid port"},       {"http://", "no host"},
      {"http://u:p@h", "user or password"}, {"http://h/path", "after host"},
      {"http://h?q", "after host"},         {"http://[::1", "without ']'"},
      {"http://[zz]", "invalid IPv6"},      {"http://a b", "character"},
      {"http://[::1]x", "after the host"},  {"", "no scheme"},
  };
  for (const auto& [text, reason] : cases) {
    const auto parsed = ParseEndpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, testing::HasSubstr(reason)) << text;
  }
}

TEST(ParseEndpoint, NoMessageContainsUserOrPassword) {
  for (const auto* text : {"http://u:hunter22@h", "ftp://u:hunter22@h", "u:hunter22@h", "http://hunter22@h/p",
                           "http://h:hunter22", "http://u:hun@ter22@h:1"}) {
    const auto parsed = ParseEndpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, testing::Not(testing::HasSubstr("ter22@"))) << text;
    EXPECT_THAT(parsed.error().message, testing::Not(testing::HasSubstr("'hunter22'"))) << text;
  }
}

// The texts are libcurl's.
TEST(WithoutUser, RedactsUserAndPasswordInTextsOfOtherLibraries) {
  const std::pair<const char*, const char*> cases[] = {
      {"Unsupported proxy syntax in 'http://u:p@h:x'",
       "Unsupported proxy syntax in 'http://**redacted**@h:x'"},
      {"Unsupported proxy syntax in 'u:p@h:x'", "Unsupported proxy syntax in '**redacted**@h:x'"},
      {"bad socks5h://a@b:p@h: x", "bad socks5h://**redacted**@h: x"},
      {"Could not resolve host: h", "Could not resolve host: h"},
      {"u:p@h", "**redacted**@h"}};
  for (const auto& [text, shown] : cases) EXPECT_EQ(WithoutUser(text), shown);
}

TEST(LegalNames, BucketNames) {
  for (const auto* good : {"abc", "a.b-c", "A_b", "123"})
    EXPECT_EQ(BucketNameProblem(good), std::nullopt) << good;
  for (const auto* bad : {"ab", "a/b", "-abc", "abc-", "a..b", "1.2.3.4", "a b", "", "caf\xc3\xa9"}) {
    EXPECT_NE(BucketNameProblem(bad), std::nullopt) << bad;
  }
  EXPECT_NE(BucketNameProblem(std::string(64, 'a')), std::nullopt);
}

TEST(LegalNames, Keys) {
  EXPECT_EQ(KeyProblem(std::string(1024, 'k')), std::nullopt);
  EXPECT_NE(KeyProblem(std::string(1025, 'k')), std::nullopt);
  EXPECT_NE(KeyProblem(""), std::nullopt);
}

TEST(Uri, AnyBytesAreAcceptedOrRefused) {
  const std::vector<std::string> seeds{"https://[fd00::1]:7443/", "http://a.b-c:80", "a%41%zz+b"};
  test::Mutator mutator;
  for (int i = 0; i < test::Rounds(); ++i) {
    const auto text = mutator.Next(seeds);
    if (const auto endpoint = ParseEndpoint(text)) {
      EXPECT_FALSE(endpoint->host.empty());
      EXPECT_TRUE(endpoint->port >= 1 && endpoint->port <= 65535);
    }
    EXPECT_EQ(UriDecode(UriEncode(text, true)), text);
    (void)BucketNameProblem(text);
  }
}

}  // namespace uri_test
}  // namespace s3
