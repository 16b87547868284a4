#include "s3/hash/hash_lanes.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "s3/hash/hash.h"
#include "tests/support/support.h"

namespace s3 {
namespace hash_lanes_test {

constexpr std::size_t kBlocks = 5;

// The lanes of `count` streams, each with its own data and state.
struct Streams {
  explicit Streams(std::size_t count) : states(count) {
    for (unsigned i = 0; i < count; ++i) data.push_back(test::Content(kBlocks * kHashBlockBytes, i + 1));
    for (std::size_t i = 0; i < count; ++i) lanes.push_back({&states[i], data[i].data()});
  }
  std::vector<std::string> data;
  std::vector<HashState> states;
  std::vector<HashLane> lanes;
};

std::vector<Sha256Engine> Engines() {
  std::vector<Sha256Engine> engines;
  for (const auto engine : {Sha256Engine::kOpenSsl, Sha256Engine::kAvx2, Sha256Engine::kShaExtensions}) {
    if (Has(engine)) engines.push_back(engine);
  }
  return engines;
}

TEST(HashLanesTest, AllEnginesAndLaneCountsComputeTheSameStates) {
  for (std::size_t count = 1; count <= kMaxHashLanes; ++count) {
    Streams expected(count);
    HashSha256(Sha256Engine::kOpenSsl, expected.lanes, kBlocks);
    for (const auto& lane : expected.lanes) HashMd5({&lane, 1}, kBlocks);
    for (const auto engine : Engines()) {
      Streams apart(count), together(count);
      HashSha256(engine, apart.lanes, kBlocks);
      HashMd5(apart.lanes, kBlocks);
      HashSha256AndMd5(engine, together.lanes, kBlocks);
      for (std::size_t i = 0; i < count; ++i) {
        for (const auto* streams : {&apart, &together}) {
          EXPECT_EQ(streams->states[i].sha256, expected.states[i].sha256) << count << " lanes, lane " << i;
          EXPECT_EQ(streams->states[i].md5, expected.states[i].md5) << count << " lanes, lane " << i;
        }
      }
    }
  }
}

TEST(HashLanesTest, BlocksMayComeInSeveralCalls) {
  for (const auto engine : Engines()) {
    Streams whole(3), pieces(3);
    HashSha256AndMd5(engine, whole.lanes, kBlocks);
    for (std::size_t block = 0; block < kBlocks; ++block) {
      HashSha256AndMd5(engine, pieces.lanes, 1);
      for (auto& lane : pieces.lanes) lane.data += kHashBlockBytes;
    }
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(pieces.states[i].sha256, whole.states[i].sha256);
      EXPECT_EQ(pieces.states[i].md5, whole.states[i].md5);
    }
  }
}

TEST(HashLanesTest, EveryEngineHasALaneCountThatItTakes) {
  for (const auto engine : Engines()) {
    EXPECT_GE(Sha256Lanes(engine), 1u);
    EXPECT_LE(Sha256Lanes(engine), kMaxHashLanes);
    EXPECT_LE(Sha256AndMd5Lanes(engine), kMaxHashLanes);
  }
  EXPECT_LE(Md5Lanes(), kMaxHashLanes);
  EXPECT_TRUE(Has(BestSha256Engine()));
}

}  // namespace hash_lanes_test
}  // namespace s3
