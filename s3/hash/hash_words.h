// A word of one stream's hash, or the same word of the hashes of several streams, side by side in a vector.
// Only for hash_lanes.cc.
#pragma once

#include <bit>
#include <cstring>

#include "s3/hash/hash_lanes.h"

// The caller's target attribute decides the instruction set, because all these functions are inlined into the
// caller. The ABI of vectors depends on that instruction set, so no S3_INLINE function returns a vector or
// has a vector as a parameter by value.
#define S3_INLINE inline __attribute__((always_inline))

namespace s3 {

using OneWord = std::uint32_t;
using FourWords __attribute__((vector_size(16))) = std::uint32_t;
using EightWords __attribute__((vector_size(32))) = std::uint32_t;

static_assert(std::endian::native == std::endian::little,
              "only little-endian CPUs are supported, because words are read without swapping bytes");

template <typename Word>
constexpr std::size_t kLanesOf = sizeof(Word) / sizeof(OneWord);

// Loads the state of one hash from all lanes: `state[i]` becomes word i of each lane. `kHash` is the member
// of HashState that contains this hash.
template <auto kHash, typename Word, std::size_t kWords>
S3_INLINE void LoadState(const HashLane* lanes, Word (&state)[kWords]) {
  for (std::size_t i = 0; i < kWords; ++i) {
    OneWord words[kLanesOf<Word>];
    for (std::size_t lane = 0; lane < kLanesOf<Word>; ++lane) words[lane] = (lanes[lane].state->*kHash)[i];
    std::memcpy(&state[i], words, sizeof(Word));
  }
}

template <auto kHash, typename Word, std::size_t kWords>
S3_INLINE void StoreState(const Word (&state)[kWords], const HashLane* lanes) {
  for (std::size_t i = 0; i < kWords; ++i) {
    OneWord words[kLanesOf<Word>];
    std::memcpy(words, &state[i], sizeof(Word));
    for (std::size_t lane = 0; lane < kLanesOf<Word>; ++lane) (lanes[lane].state->*kHash)[i] = words[lane];
  }
}

constexpr std::size_t kBlockWords = kHashBlockBytes / sizeof(OneWord);

S3_INLINE void LoadBlock(const HashLane* lanes, std::size_t at, OneWord* words) {
  std::memcpy(words, lanes[0].data + at, kHashBlockBytes);
}

// Loads one block of each lane: `words[i]` becomes word i of each lane. Transposes four words of each lane at
// a time: a row becomes a column.
S3_INLINE void LoadBlock(const HashLane* lanes, std::size_t at, FourWords* words) {
  for (std::size_t i = 0; i < kBlockWords; i += 4) {
    FourWords row[4];
    for (std::size_t lane = 0; lane < 4; ++lane) {
      std::memcpy(&row[lane], lanes[lane].data + at + i * sizeof(OneWord), sizeof row[lane]);
    }
    const FourWords front01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
    const FourWords back01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
    const FourWords front23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
    const FourWords back23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
    words[i] = __builtin_shufflevector(front01, front23, 0, 1, 4, 5);
    words[i + 1] = __builtin_shufflevector(front01, front23, 2, 3, 6, 7);
    words[i + 2] = __builtin_shufflevector(back01, back23, 0, 1, 4, 5);
    words[i + 3] = __builtin_shufflevector(back01, back23, 2, 3, 6, 7);
  }
}

S3_INLINE void LoadBlock(const HashLane* lanes, std::size_t at, EightWords* words) {
  FourWords front[kBlockWords], back[kBlockWords];
  LoadBlock(lanes, at, front);
  LoadBlock(lanes + 4, at, back);
  for (std::size_t i = 0; i < kBlockWords; ++i) {
    words[i] = __builtin_shufflevector(front[i], back[i], 0, 1, 2, 3, 4, 5, 6, 7);
  }
}

}  // namespace s3
