#include "s3/hash/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace s3 {
namespace hash_test {

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

}  // namespace hash_test
}  // namespace s3
