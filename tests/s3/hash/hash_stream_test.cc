// Hashing several streams at once, or both hashes of a stream at once, gives the same digests as OpenSSL.
#include "s3/hash/hash_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <fstream>

#include "tests/support/support.h"

namespace s3 {
namespace hash_stream_test {

using Kind = HashStream::Kind;

HashStream::Digests OpenSsls(Kind kind, std::string_view data) {
  HashStream::Digests digests;
  const auto take = [data](Digest::Kind of, auto* to) {
    Digest digest(of);
    digest.Update(data);
    const auto bytes = digest.Finish();
    std::copy(bytes.begin(), bytes.end(), to->begin());
  };
  if (kind != Kind::kMd5) take(Digest::Kind::kSha256, &digests.sha256);
  if (kind != Kind::kSha256) take(Digest::Kind::kMd5, &digests.md5);
  return digests;
}

bool LinuxNames(std::string_view feature) {
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string word; cpus >> word;) {
    if (word == feature) return true;
  }
  return false;
}

void ExpectOpenSsls(HashStream* stream, Kind kind, std::string_view data) {
  const auto expected = OpenSsls(kind, data);
  const auto digests = stream->Finish();
  EXPECT_EQ(HexEncode(AsBytes(digests.sha256)), HexEncode(AsBytes(expected.sha256))) << data.size();
  EXPECT_EQ(HexEncode(AsBytes(digests.md5)), HexEncode(AsBytes(expected.md5))) << data.size();
}

// Returns the engines that this processor has, according to Linux. HashStreamLanesTest checks that HashStream
// chooses by the same features.
std::vector<Sha256Engine> Engines() {
  std::vector<Sha256Engine> engines{Sha256Engine::kOpenSsl};
  if (LinuxNames("avx2")) engines.push_back(Sha256Engine::kAvx2);
  if (LinuxNames("sha_ni")) engines.push_back(Sha256Engine::kShaExtensions);
  return engines;
}

class HashStreamTest : public testing::TestWithParam<std::tuple<Kind, Sha256Engine>> {
 protected:
  const Kind kind_ = std::get<Kind>(GetParam());
  HashStream New() { return HashStream(kind_, std::get<Sha256Engine>(GetParam())); }
};

// The lengths cover all cases of the padding.
TEST_P(HashStreamTest, EqualsOpenSslAtEveryLength) {
  const auto text = test::Content(4 * kHashBlockBytes);
  for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
    const auto data = std::string_view(text).substr(0, bytes), rest = std::string_view(text).substr(bytes);
    HashStream alone = New(), a = New(), b = New();
    alone.Update(data);
    HashStream::Piece pieces[] = {{&a, data}, {&b, rest}};
    HashStream::UpdateAll(pieces);
    ExpectOpenSsls(&alone, kind_, data);
    ExpectOpenSsls(&a, kind_, data);
    ExpectOpenSsls(&b, kind_, rest);
  }
}

TEST_P(HashStreamTest, EqualsOpenSslForAllPieces) {
  auto random = test::SeededRandom();
  for (unsigned round = 0; round < 600; ++round) {
    struct Stream {
      Kind kind;
      std::string text;
      HashStream hash;
      std::string_view left;
    };
    std::deque<Stream> streams;
    for (unsigned i = 0; i <= round % kMaxHashLanes; ++i) {
      // Some streams are of another kind and cannot be hashed together with the others.
      const bool other = random() % 20 == 0;
      auto& stream = streams.emplace_back(Stream{other ? Kind::kMd5 : kind_,
                                                 test::Content(random() % 2000, i),
                                                 other ? HashStream(Kind::kMd5) : New(),
                                                 {}});
      stream.left = stream.text;
    }
    for (bool more = true; more;) {
      more = false;
      std::vector<HashStream::Piece> pieces;
      for (auto& stream : streams) {
        pieces.push_back({&stream.hash, stream.left.substr(0, random() % 400)});
        stream.left.remove_prefix(pieces.back().data.size());
        more = more || !stream.left.empty();
      }
      if (random() % 3 == 0) {
        for (const auto& piece : pieces) piece.stream->Update(piece.data);
      } else {
        HashStream::UpdateAll(pieces);
      }
    }
    for (auto& stream : streams) ExpectOpenSsls(&stream.hash, stream.kind, stream.text);
  }
}

std::string NameOf(const testing::TestParamInfo<std::tuple<Kind, Sha256Engine>>& test) {
  const auto [kind, engine] = test.param;
  return std::string(kind == Kind::kSha256 ? "Sha256"
                     : kind == Kind::kMd5  ? "Md5"
                                           : "Both") +
         (engine == Sha256Engine::kOpenSsl ? "OpenSsl"
          : engine == Sha256Engine::kAvx2  ? "Avx2"
                                           : "ShaExtensions");
}

INSTANTIATE_TEST_SUITE_P(Kinds, HashStreamTest,
                         testing::Combine(testing::Values(Kind::kSha256, Kind::kMd5, Kind::kBoth),
                                          testing::ValuesIn(Engines())),
                         NameOf);

TEST(HashStreamLanesTest, FollowTheProcessorFeaturesThatLinuxReports) {
  const bool avx2 = LinuxNames("avx2"), sha = LinuxNames("sha_ni");
  EXPECT_EQ(BestSha256Engine(), sha    ? Sha256Engine::kShaExtensions
                                : avx2 ? Sha256Engine::kAvx2
                                       : Sha256Engine::kOpenSsl);
  const std::size_t in_vectors = avx2 ? 8 : 4;
  EXPECT_EQ(HashStream(Kind::kMd5).lanes(), in_vectors);
  EXPECT_EQ(HashStream(Kind::kSha256).lanes(), sha ? 2u : avx2 ? 8u : 1u);
  EXPECT_EQ(HashStream(Kind::kBoth).lanes(), sha ? 4u : in_vectors);
  EXPECT_EQ(HashStream(Kind::kSha256).lanes_of_few(), sha ? 2u : 1u);
  EXPECT_EQ(HashStream(Kind::kMd5).lanes_of_few(), in_vectors);
}

}  // namespace hash_stream_test
}  // namespace s3
