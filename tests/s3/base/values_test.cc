// Hashes, URIs, globs, secrets and headers: the pure parts of the room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "s3/base/secret.h"
#include "s3/glob.h"
#include "s3/hash/hash.h"
#include "s3/http.h"
#include "s3/uri.h"

namespace s3 {
namespace {

// FIPS 180-4 examples; RFC 4231 test cases 2 and 6 (a key longer than the block).
TEST(HashTest, PublishedVectors) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexEncode(AsBytes(Md5("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(HexEncode(AsBytes(HmacSha256("Jefe", "what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HexEncode(AsBytes(HmacSha256(std::string(131, '\xaa'),
                                         "Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HashTest, StreamEqualsOneShot) {
  Digest sha256(Digest::Kind::kSha256), md5(Digest::Kind::kMd5), sha1(Digest::Kind::kSha1);
  for (const auto* piece : {"a", "", "bc"}) {
    sha256.Update(piece);
    md5.Update(piece);
    sha1.Update(piece);
  }
  EXPECT_EQ(sha256.Finish(), AsBytes(Sha256("abc")));
  EXPECT_EQ(md5.Finish(), AsBytes(Md5("abc")));
  EXPECT_EQ(HexEncode(sha1.Finish()), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(HashTest, HexReadsWhatItWrites) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(HexDecode(HexEncode(bytes)), bytes);
  EXPECT_EQ(HexDecode("0AfF"), "\x0a\xff");
  EXPECT_EQ(HexDecode("0"), std::nullopt);
  EXPECT_EQ(HexDecode("0g"), std::nullopt);
  EXPECT_NE(RandomBytes(16), RandomBytes(16));
}

TEST(HashTest, Base64RoundTripsEveryLength) {
  for (std::size_t size = 0; size < 10; ++size) {
    const std::string bytes(size, '\xfe');
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes) << size;
  }
  EXPECT_EQ(Base64Encode("Ma"), "TWE=");
  for (const auto* wrong : {"TWE", "TW!=", "T"}) EXPECT_EQ(Base64Decode(wrong), std::nullopt) << wrong;
}

TEST(UriTest, EncodesAllButUnreserved) {
  EXPECT_EQ(UriEncode("aZ09-._~", false), "aZ09-._~");
  EXPECT_EQ(UriEncode("a b+%?#&=/\n\xff", true), "a%20b%2B%25%3F%23%26%3D/%0A%FF");
  EXPECT_EQ(UriEncode("/", false), "%2F");
}

TEST(UriTest, DecodesWhatItEncodesAndRefusesBrokenPercents) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(UriDecode(UriEncode(all, false)), all);
  for (const auto* wrong : {"%", "%4", "a%zz", "%4g"}) EXPECT_EQ(UriDecode(wrong), std::nullopt) << wrong;
}

TEST(UriTest, CanonicalQuerySortsByEncodedName) {
  EXPECT_EQ(CanonicalQuery({{"b", "2"}, {"a", "x y"}, {"a", ""}, {"A", "1"}}), "A=1&a=&a=x%20y&b=2");
}

TEST(EndpointTest, Accepts) {
  const auto good = ParseEndpoint("HTTP://S3.Example.COM:9000/");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->scheme, "http");
  EXPECT_EQ(good->HostHeader(), "s3.example.com:9000");
  EXPECT_EQ(ParseEndpoint("https://[fd00::1]:7443")->HostHeader(), "[fd00::1]:7443");
  EXPECT_EQ(ParseEndpoint("https://h")->port, 443);
}

TEST(EndpointTest, RefusesWithAReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"localhost:9000", "no scheme"},      {"ftp://h", "scheme other than"},
      {"http://h:0", "no valid port"},      {"http://h:65536", "no valid port"},
      {"http://h:x", "no valid port"},      {"http://", "no host"},
      {"http://u:p@h", "user or password"}, {"http://h/path", "after host"},
      {"http://h?q", "after host"},         {"http://[::1", "without ']'"},
      {"http://[zz]", "no IPv6"},           {"http://a b", "character"},
      {"http://[::1]x", "after the host"},  {"", "no scheme"},
  };
  for (const auto& [text, reason] : cases) {
    const auto parsed = ParseEndpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, testing::HasSubstr(reason)) << text;
  }
}

TEST(EndpointTest, WhatIsWrongIsSaidWithoutUserAndPassword) {
  for (const auto* text : {"http://u:hunter22@h", "ftp://u:hunter22@h", "u:hunter22@h", "http://hunter22@h/p",
                           "http://h:hunter22", "http://u:hun@ter22@h:1"}) {
    const auto parsed = ParseEndpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, testing::Not(testing::HasSubstr("ter22@"))) << text;
    EXPECT_THAT(parsed.error().message, testing::Not(testing::HasSubstr("'hunter22'"))) << text;
  }
}

// As libcurl says it.
TEST(EndpointTest, TextsOfOthersAreShownWithoutUserAndPassword) {
  const std::pair<const char*, const char*> cases[] = {
      {"Unsupported proxy syntax in 'http://u:p@h:x'",
       "Unsupported proxy syntax in 'http://**redacted**@h:x'"},
      {"Unsupported proxy syntax in 'u:p@h:x'", "Unsupported proxy syntax in '**redacted**@h:x'"},
      {"bad socks5h://a@b:p@h: x", "bad socks5h://**redacted**@h: x"},
      {"Could not resolve host: h", "Could not resolve host: h"},
      {"u:p@h", "**redacted**@h"}};
  for (const auto& [text, shown] : cases) EXPECT_EQ(WithoutUser(text), shown);
}

TEST(NamesTest, BucketNames) {
  for (const auto* good : {"abc", "a.b-c", "A_b", "123"})
    EXPECT_EQ(BucketNameProblem(good), std::nullopt) << good;
  for (const auto* bad : {"ab", "a/b", "-abc", "abc-", "a..b", "1.2.3.4", "a b", "", "caf\xc3\xa9"}) {
    EXPECT_NE(BucketNameProblem(bad), std::nullopt) << bad;
  }
  EXPECT_NE(BucketNameProblem(std::string(64, 'a')), std::nullopt);
}

TEST(NamesTest, Keys) {
  EXPECT_EQ(KeyProblem(std::string(1024, 'k')), std::nullopt);
  EXPECT_NE(KeyProblem(std::string(1025, 'k')), std::nullopt);
  EXPECT_NE(KeyProblem(""), std::nullopt);
}

TEST(GlobTest, Matches) {
  struct Case {
    const char* pattern;
    const char* path;
    bool matches;
  };
  for (const auto& [pattern, path, matches] :
       std::initializer_list<Case>{{"*.log", "a.log", true},
                                   {"*.log", "x/y/a.log", true},
                                   {"*.log", "a.logs", false},
                                   {"/*.log", "a.log", true},
                                   {"/*.log", "x/a.log", false},
                                   {"x/*.log", "x/a.log", true},
                                   {"x/*.log", "x/y/a.log", false},
                                   {"x/**", "x/y/a.log", true},
                                   {"**/a.log", "a.log", true},
                                   {"**/a.log", "x/y/a.log", true},
                                   {"x/**/z", "x/z", true},
                                   {"x/**/z", "x/1/2/z", true},
                                   {"x/**/z", "y/1/z", false},
                                   {"**", "anything/at all", true},
                                   {"f[24]", "f2", true},
                                   {"f[24]", "f3", false},
                                   {"f?", "f\n", true},
                                   {"a*b", "a/b", false},
                                   {"**/x/**/y/**/z", "x/x/y/y/z/q/z", true},
                                   {"\\*", "*", true}}) {
    EXPECT_EQ(GlobMatches(pattern, path), matches) << pattern << " on " << path;
  }
}

TEST(GlobTest, ManyStarsDoNotExplode) {
  std::string pattern, path;
  for (int i = 0; i < 60; ++i) pattern += "**/a/", path += "a/";
  EXPECT_FALSE(GlobMatches(pattern + "b", path + "c"));
}

TEST(GlobTest, CoversADirectory) {
  EXPECT_TRUE(GlobMatchesAllBelow("build/**", "build"));
  EXPECT_TRUE(GlobMatchesAllBelow("build/**", "build/x"));
  EXPECT_FALSE(GlobMatchesAllBelow("build/**", "other"));
  EXPECT_FALSE(GlobMatchesAllBelow("*.log", "x.log"));
}

TEST(SecretTest, DoesNotShowItself) {
  const Secret secret("hunter2");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "**redacted**");
  EXPECT_EQ(fmt::format("{}", secret), "**redacted**");
  EXPECT_EQ(secret.Reveal(), "hunter2");
  EXPECT_EQ(fmt::format("{}", Secret()), "");
}

TEST(SecretTest, MoveLeavesNothingBehind) {
  Secret secret("short"), target(std::move(secret));
  EXPECT_EQ(target.Reveal(), "short");
  EXPECT_TRUE(secret.empty());
}

TEST(HttpHeadersTest, FindsByNameInAnyCase) {
  HttpHeaders headers;
  for (const auto* line : {"HTTP/1.1 200 OK\r\n", "ETag:  \"x\"  \r\n", "Empty:\r\n", "x-amz-id: 1\r\n"})
    headers.AppendLine(line);
  EXPECT_EQ(headers.Find("etag"), "\"x\"");
  EXPECT_EQ(headers.Find("EMPTY"), "");
  EXPECT_EQ(headers.Find("amz-id"), std::nullopt);
  EXPECT_EQ(headers.Find("x-amz-i"), std::nullopt);
}

}  // namespace
}  // namespace s3
