// Two hashes, and several streams, at once are the same as one after the other, and as OpenSSL's.
#include "s3/hash_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <fstream>

#include "tests/support/support.h"

namespace s3 {
namespace {

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

void ExpectOpenSsls(HashStream* stream, Kind kind, std::string_view data) {
  const auto expected = OpenSsls(kind, data);
  const auto digests = stream->Finish();
  EXPECT_EQ(HexEncode(AsBytes(digests.sha256)), HexEncode(AsBytes(expected.sha256))) << data.size();
  EXPECT_EQ(HexEncode(AsBytes(digests.md5)), HexEncode(AsBytes(expected.md5))) << data.size();
}

class HashStreamTest : public testing::TestWithParam<Kind> {};

// With all cases of the padding.
TEST_P(HashStreamTest, EqualsOpenSslAtEveryLength) {
  const auto text = test::Content(4 * kHashBlockBytes);
  for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
    const auto data = std::string_view(text).substr(0, bytes), rest = std::string_view(text).substr(bytes);
    HashStream alone(GetParam()), a(GetParam()), b(GetParam());
    alone.Update(data);
    HashStream::Piece pieces[] = {{&a, data}, {&b, rest}};
    HashStream::UpdateAll(pieces);
    ExpectOpenSsls(&alone, GetParam(), data);
    ExpectOpenSsls(&a, GetParam(), data);
    ExpectOpenSsls(&b, GetParam(), rest);
  }
}

TEST_P(HashStreamTest, EqualsOpenSslHoweverItIsCut) {
  auto random = test::SeededRandom();
  for (unsigned round = 0; round < 600; ++round) {
    struct Stream {
      Kind kind;
      std::string text;
      HashStream hash;
      std::string_view left;
    };
    std::deque<Stream> streams;  // one to four
    for (unsigned i = 0; i <= round % kMostHashLanes; ++i) {
      // Now and then one of another kind, which has nothing in common with the others.
      const Kind kind = random() % 20 == 0 ? Kind::kMd5 : GetParam();
      auto& stream =
          streams.emplace_back(Stream{kind, test::Content(random() % 2000, i), HashStream(kind), {}});
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

std::string NameOf(const testing::TestParamInfo<Kind>& test) {
  return test.param == Kind::kSha256 ? "Sha256" : test.param == Kind::kMd5 ? "Md5" : "Both";
}

INSTANTIATE_TEST_SUITE_P(Kinds, HashStreamTest, testing::Values(Kind::kSha256, Kind::kMd5, Kind::kBoth),
                         NameOf);

// Else the tests above would have compared OpenSSL with itself.
TEST(HashStreamLanesTest, AreThereWhereLinuxSaysSo) {
  std::ifstream cpus("/proc/cpuinfo");
  bool has_sha = false;
  for (std::string word; cpus >> word;) has_sha = has_sha || word == "sha_ni";
  EXPECT_EQ(HashStream(Kind::kSha256).lanes(), has_sha ? 2u : 1u);
  EXPECT_EQ(HashStream(Kind::kBoth).lanes(), 4u);
}

}  // namespace
}  // namespace s3
