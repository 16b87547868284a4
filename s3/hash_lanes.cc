#include "s3/hash_lanes.h"

#include <bit>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#define S3_INLINE inline __attribute__((always_inline))

namespace s3 {
namespace {

// RFC 1321, 3.4: T[i] is the integer part of 2^32 times the sine of i + 1.
constexpr std::array<std::uint32_t, 64> kSines{
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int kShifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
constexpr std::size_t kWordFactor[4] = {1, 5, 3, 7}, kWordOffset[4] = {0, 1, 5, 0};

// The same word of one lane, or of four.
using OneWord = std::uint32_t;
using FourWords __attribute__((vector_size(16))) = std::uint32_t;

static_assert(std::endian::native == std::endian::little, "the words of a block are read as they lie");

template <typename Word>
constexpr std::size_t kLanesOf = sizeof(Word) / sizeof(OneWord);

template <typename Word>
S3_INLINE void LoadMd5(const HashLane* lanes, Word* state) {
  for (std::size_t i = 0; i < 4; ++i) {
    OneWord words[kLanesOf<Word>];
    for (std::size_t lane = 0; lane < kLanesOf<Word>; ++lane) words[lane] = lanes[lane].state->md5[i];
    std::memcpy(&state[i], words, sizeof(Word));
  }
}

template <typename Word>
S3_INLINE void StoreMd5(const Word* state, const HashLane* lanes) {
  for (std::size_t i = 0; i < 4; ++i) {
    OneWord words[kLanesOf<Word>];
    std::memcpy(words, &state[i], sizeof(Word));
    for (std::size_t lane = 0; lane < kLanesOf<Word>; ++lane) lanes[lane].state->md5[i] = words[lane];
  }
}

S3_INLINE void LoadBlock(const HashLane* lanes, std::size_t at, OneWord* words) {
  std::memcpy(words, lanes[0].data + at, kHashBlockBytes);
}

// Rows of four words of each lane become columns.
S3_INLINE void LoadBlock(const HashLane* lanes, std::size_t at, FourWords* words) {
  for (std::size_t i = 0; i < 16; i += 4) {
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

template <std::size_t kStep, typename Word>
S3_INLINE void Md5Step(Word* state, const Word* words) {
  constexpr std::size_t kRound = kStep / 16;
  constexpr std::size_t kWord = (kStep * kWordFactor[kRound] + kWordOffset[kRound]) % 16;
  constexpr int kShift = kShifts[kRound][kStep % 4];
  Word& a = state[(64 - kStep) % 4];
  const Word b = state[(65 - kStep) % 4], c = state[(66 - kStep) % 4], d = state[(67 - kStep) % 4];
  a += words[kWord] + kSines[kStep];
  // B is the last to be known: it comes last.
  if constexpr (kRound == 0) {
    a += d ^ (b & (c ^ d));
  } else if constexpr (kRound == 1) {
    a += c & ~d;
    a += b & d;
  } else if constexpr (kRound == 2) {
    a += b ^ (c ^ d);
  } else {
    a += c ^ (b | ~d);
  }
  a = b + (a << kShift | a >> (32 - kShift));
}

template <typename Word, std::size_t... kStep>
S3_INLINE void Md5Block(Word* state, const Word* words, std::index_sequence<kStep...>) {
  (Md5Step<kStep>(state, words), ...);
}

template <typename Word>
void Md5Blocks(const HashLane* lanes, std::size_t blocks) {
  Word state[4], words[16];
  LoadMd5(lanes, state);
  for (std::size_t at = 0; at < blocks * kHashBlockBytes; at += kHashBlockBytes) {
    const Word before[4] = {state[0], state[1], state[2], state[3]};
    LoadBlock(lanes, at, words);
    Md5Block(state, words, std::make_index_sequence<64>());
    for (std::size_t i = 0; i < 4; ++i) state[i] += before[i];
  }
  StoreMd5(state, lanes);
}

// Four lanes, of which the last ones may hash for nobody.
class FourLanes {
 public:
  explicit FourLanes(std::span<const HashLane> lanes) {
    for (std::size_t i = 0; i < 4; ++i)
      lanes_[i] = i < lanes.size() ? lanes[i] : HashLane{&nobody_, lanes[0].data};
  }
  const HashLane* data() const { return lanes_; }

 private:
  HashState nobody_;
  HashLane lanes_[4];
};

#if defined(__x86_64__)

#define S3_SHA __attribute__((target("sha,sse4.1")))

alignas(16) constexpr std::array<std::uint32_t, 64> kRounds{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The state as the SHA instructions want it: words A, B, E, F and C, D, G, H, the first one on top. See
// "Intel SHA Extensions",
// https://www.intel.com/content/www/us/en/developer/articles/technical/intel-sha-extensions.html
struct Sha256Lane {
  __m128i abef, cdgh;
  __m128i abef_before, cdgh_before;
  __m128i words[4];  // the last sixteen of the message schedule
};

S3_SHA S3_INLINE void LoadSha256(const HashLane& from, Sha256Lane* to) {
  const auto* const halves = reinterpret_cast<const __m128i*>(from.state->sha256.data());
  const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(halves), 0xB1);
  const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(halves + 1), 0x1B);
  to->abef = _mm_alignr_epi8(badc, hgfe, 8);
  to->cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
}

S3_SHA S3_INLINE void StoreSha256(const Sha256Lane& from, const HashLane& to) {
  auto* const halves = reinterpret_cast<__m128i*>(to.state->sha256.data());
  const __m128i feba = _mm_shuffle_epi32(from.abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(from.cdgh, 0xB1);
  _mm_storeu_si128(halves, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(halves + 1, _mm_alignr_epi8(dchg, feba, 8));
}

S3_SHA S3_INLINE void BeginSha256Block(const char* block, Sha256Lane* sha) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  sha->abef_before = sha->abef;
  sha->cdgh_before = sha->cdgh;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto* const from = reinterpret_cast<const __m128i*>(block) + i;
    sha->words[i] = _mm_shuffle_epi8(_mm_loadu_si128(from), big_endian);
  }
}

S3_SHA S3_INLINE void EndSha256Block(Sha256Lane* sha) {
  sha->abef = _mm_add_epi32(sha->abef, sha->abef_before);
  sha->cdgh = _mm_add_epi32(sha->cdgh, sha->cdgh_before);
}

template <std::size_t kFour>
S3_SHA S3_INLINE void FourSha256Rounds(Sha256Lane* sha) {
  auto* const w = sha->words;
  const __m128i constants = _mm_load_si128(reinterpret_cast<const __m128i*>(&kRounds[4 * kFour]));
  __m128i sum = _mm_add_epi32(w[kFour % 4], constants);
  sha->cdgh = _mm_sha256rnds2_epu32(sha->cdgh, sha->abef, sum);
  sum = _mm_shuffle_epi32(sum, 0x0E);
  sha->abef = _mm_sha256rnds2_epu32(sha->abef, sha->cdgh, sum);
  if constexpr (kFour < 12) {
    const __m128i seven_before = _mm_alignr_epi8(w[(kFour + 3) % 4], w[(kFour + 2) % 4], 4);
    const __m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(w[kFour % 4], w[(kFour + 1) % 4]), seven_before);
    w[kFour % 4] = _mm_sha256msg2_epu32(next, w[(kFour + 3) % 4]);
  }
}

// Four rounds of each lane in turn: the unit that computes them begins one of another lane while it waits for
// those of the first.
template <std::size_t kLanes, std::size_t... kFour>
S3_SHA S3_INLINE void Sha256Rounds(Sha256Lane* sha, std::index_sequence<kFour...>) {
  if constexpr (kLanes == 1) {
    (FourSha256Rounds<kFour>(&sha[0]), ...);
  } else {
    ((FourSha256Rounds<kFour>(&sha[0]), FourSha256Rounds<kFour>(&sha[1])), ...);
  }
}

template <std::size_t kLanes>
S3_SHA void Sha256Blocks(const HashLane* lanes, std::size_t blocks) {
  Sha256Lane sha[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) LoadSha256(lanes[i], &sha[i]);
  for (std::size_t at = 0; at < blocks * kHashBlockBytes; at += kHashBlockBytes) {
    for (std::size_t i = 0; i < kLanes; ++i) BeginSha256Block(lanes[i].data + at, &sha[i]);
    Sha256Rounds<kLanes>(sha, std::make_index_sequence<16>());
    for (std::size_t i = 0; i < kLanes; ++i) EndSha256Block(&sha[i]);
  }
  for (std::size_t i = 0; i < kLanes; ++i) StoreSha256(sha[i], lanes[i]);
}

// A step of MD5 of all lanes, and as many rounds of SHA-256 of one lane as its share of them is: the lanes'
// blocks one after the other, all within the 64 steps.
template <std::size_t kStep, typename Word>
S3_SHA S3_INLINE void StepOfBoth(Word* state, const Word* words, const HashLane* lanes, std::size_t at,
                                 Sha256Lane* sha) {
  Md5Step<kStep>(state, words);
  constexpr std::size_t kFours = kStep * kLanesOf<Word>;
  if constexpr (kFours % 4 == 0) {
    constexpr std::size_t kLane = kFours / 64, kFour = kFours / 4 % 16;
    if constexpr (kFour == 0) {
      LoadSha256(lanes[kLane], sha);
      BeginSha256Block(lanes[kLane].data + at, sha);
    }
    FourSha256Rounds<kFour>(sha);
    if constexpr (kFour == 15) {
      EndSha256Block(sha);
      StoreSha256(*sha, lanes[kLane]);
    }
  }
}

template <typename Word, std::size_t... kStep>
S3_SHA S3_INLINE void BlockOfBoth(Word* state, const Word* words, const HashLane* lanes, std::size_t at,
                                  std::index_sequence<kStep...>) {
  Sha256Lane sha;
  (StepOfBoth<kStep>(state, words, lanes, at, &sha), ...);
}

template <typename Word>
S3_SHA void BlocksOfBoth(const HashLane* lanes, std::size_t blocks) {
  Word state[4], words[16];
  LoadMd5(lanes, state);
  for (std::size_t at = 0; at < blocks * kHashBlockBytes; at += kHashBlockBytes) {
    const Word before[4] = {state[0], state[1], state[2], state[3]};
    LoadBlock(lanes, at, words);
    BlockOfBoth(state, words, lanes, at, std::make_index_sequence<64>());
    for (std::size_t i = 0; i < 4; ++i) state[i] += before[i];
  }
  StoreMd5(state, lanes);
}

bool ProcessorHasSha() {
  unsigned eax, ebx, ecx, edx;
  const bool has_sse41 = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_SSE4_1) != 0;
  return has_sse41 && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
}

#else

template <std::size_t kLanes>
void Sha256Blocks(const HashLane*, std::size_t) {}
template <typename Word>
void BlocksOfBoth(const HashLane*, std::size_t) {}
bool ProcessorHasSha() { return false; }

#endif

}  // namespace

bool HasSha256Lanes() {
  static const bool has = ProcessorHasSha();
  return has;
}

void HashSha256(std::span<const HashLane> lanes, std::size_t blocks) {
  for (; lanes.size() >= 2; lanes = lanes.subspan(2)) Sha256Blocks<2>(lanes.data(), blocks);
  if (!lanes.empty()) Sha256Blocks<1>(lanes.data(), blocks);
}

void HashMd5(std::span<const HashLane> lanes, std::size_t blocks) {
  if (lanes.size() == 1) return Md5Blocks<OneWord>(lanes.data(), blocks);
  Md5Blocks<FourWords>(FourLanes(lanes).data(), blocks);
}

void HashSha256AndMd5(std::span<const HashLane> lanes, std::size_t blocks) {
  if (lanes.size() == 1) return BlocksOfBoth<OneWord>(lanes.data(), blocks);
  BlocksOfBoth<FourWords>(FourLanes(lanes).data(), blocks);
}

}  // namespace s3
