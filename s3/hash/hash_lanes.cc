#include "s3/hash/hash_lanes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "s3/hash/hash.h"
#include "s3/hash/hash_words.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

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

template <std::size_t kStep, typename Word>
S3_INLINE void Md5Step(Word* state, const Word* words) {
  constexpr std::size_t kRound = kStep / 16;
  constexpr std::size_t kWord = (kStep * kWordFactor[kRound] + kWordOffset[kRound]) % 16;
  constexpr int kShift = kShifts[kRound][kStep % 4];
  Word& a = state[(64 - kStep) % 4];
  const Word b = state[(65 - kStep) % 4], c = state[(66 - kStep) % 4], d = state[(67 - kStep) % 4];
  a += words[kWord] + kSines[kStep];
  // B is the result of the step before, so the terms that contain it are added last.
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
S3_INLINE void Md5Blocks(const HashLane* lanes, std::size_t blocks) {
  Word state[4], words[kBlockWords];
  LoadState<&HashState::md5>(lanes, state);
  for (std::size_t at = 0; at < blocks * kHashBlockBytes; at += kHashBlockBytes) {
    const Word before[4] = {state[0], state[1], state[2], state[3]};
    LoadBlock(lanes, at, words);
    Md5Block(state, words, std::make_index_sequence<64>());
    for (std::size_t i = 0; i < 4; ++i) state[i] += before[i];
  }
  StoreState<&HashState::md5>(state, lanes);
}

// FIPS 180-4, 4.2.2.
alignas(16) constexpr std::array<std::uint32_t, 64> kRounds{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// FIPS 180-4, 6.2.2. The message schedule overwrites the words that it needs no longer.
template <std::size_t kRound, typename Word>
S3_INLINE void Sha256Round(Word* state, Word* words) {
  Word& word = words[kRound % 16];
  if constexpr (kRound >= 16) {
    const Word fifteen = words[(kRound + 1) % 16], two = words[(kRound + 14) % 16];  // words t-15 and t-2
    word += words[(kRound + 9) % 16];
    word += (fifteen >> 7 | fifteen << 25) ^ (fifteen >> 18 | fifteen << 14) ^ fifteen >> 3;
    word += (two >> 17 | two << 15) ^ (two >> 19 | two << 13) ^ two >> 10;
  }
  const Word a = state[(64 - kRound) % 8], b = state[(65 - kRound) % 8], c = state[(66 - kRound) % 8];
  const Word e = state[(68 - kRound) % 8], f = state[(69 - kRound) % 8], g = state[(70 - kRound) % 8];
  Word& d = state[(67 - kRound) % 8];
  Word& h = state[(71 - kRound) % 8];
  h += word + kRounds[kRound];
  h += g ^ (e & (f ^ g));
  h += (e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7);
  d += h;
  h += (a & b) | (c & (a | b));
  h += (a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10);
}

template <typename Word, std::size_t... kRound>
S3_INLINE void Sha256Rounds(Word* state, Word* words, std::index_sequence<kRound...>) {
  (Sha256Round<kRound>(state, words), ...);
}

template <typename Word>
S3_INLINE void Sha256Blocks(const HashLane* lanes, std::size_t blocks) {
  Word state[8], words[kBlockWords];
  LoadState<&HashState::sha256>(lanes, state);
  for (std::size_t at = 0; at < blocks * kHashBlockBytes; at += kHashBlockBytes) {
    Word before[8];
    for (std::size_t i = 0; i < 8; ++i) before[i] = state[i];
    LoadBlock(lanes, at, words);
    for (Word& word : words) word = word << 24 | (word & 0xff00) << 8 | (word >> 8 & 0xff00) | word >> 24;
    Sha256Rounds(state, words, std::make_index_sequence<64>());
    for (std::size_t i = 0; i < 8; ++i) state[i] += before[i];
  }
  StoreState<&HashState::sha256>(state, lanes);
}

// Has as many lanes as a vector has words. If there are fewer streams, the last lanes are dummies, and their
// results are discarded.
template <typename Word>
class FilledLanes {
 public:
  explicit FilledLanes(std::span<const HashLane> lanes) {
    for (std::size_t i = 0; i < kLanesOf<Word>; ++i)
      lanes_[i] = i < lanes.size() ? lanes[i] : HashLane{&dummy_, lanes[0].data};
  }
  const HashLane* data() const { return lanes_; }

 private:
  HashState dummy_;
  HashLane lanes_[kLanesOf<Word>];
};

template <typename Hash>
void InFours(std::span<const HashLane> lanes, const Hash& hash) {
  for (constexpr std::size_t kFour = kLanesOf<FourWords>; !lanes.empty();) {
    const auto four = std::min(kFour, lanes.size());
    hash(FilledLanes<FourWords>(lanes.first(four)).data());
    lanes = lanes.subspan(four);
  }
}

#if defined(__x86_64__)

#define S3_AVX2 __attribute__((target("avx2")))
#define S3_SHA __attribute__((target("sha,sse4.1")))

S3_AVX2 void EightMd5(const HashLane* lanes, std::size_t blocks) { Md5Blocks<EightWords>(lanes, blocks); }
S3_AVX2 void EightSha256(const HashLane* lanes, std::size_t blocks) {
  Sha256Blocks<EightWords>(lanes, blocks);
}

// The state in the layout of the SHA instructions: words A, B, E, F and C, D, G, H, the first one highest.
// See "Intel SHA Extensions",
// https://www.intel.com/content/www/us/en/developer/articles/technical/intel-sha-extensions.html
struct Sha256Lane {
  __m128i abef, cdgh;
  __m128i abef_before, cdgh_before;
  __m128i words[4];  // the last sixteen words of the message schedule
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

// Interleaves four rounds of each lane: while the SHA unit waits for the result of one lane, it starts the
// rounds of the other.
template <std::size_t kLanes, std::size_t... kFour>
S3_SHA S3_INLINE void ShaRounds(Sha256Lane* sha, std::index_sequence<kFour...>) {
  if constexpr (kLanes == 1) {
    (FourSha256Rounds<kFour>(&sha[0]), ...);
  } else {
    ((FourSha256Rounds<kFour>(&sha[0]), FourSha256Rounds<kFour>(&sha[1])), ...);
  }
}

template <std::size_t kLanes>
S3_SHA void ShaBlocks(const HashLane* lanes, std::size_t blocks) {
  Sha256Lane sha[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) LoadSha256(lanes[i], &sha[i]);
  for (std::size_t at = 0; at < blocks * kHashBlockBytes; at += kHashBlockBytes) {
    for (std::size_t i = 0; i < kLanes; ++i) BeginSha256Block(lanes[i].data + at, &sha[i]);
    ShaRounds<kLanes>(sha, std::make_index_sequence<16>());
    for (std::size_t i = 0; i < kLanes; ++i) EndSha256Block(&sha[i]);
  }
  for (std::size_t i = 0; i < kLanes; ++i) StoreSha256(sha[i], lanes[i]);
}

// Does one MD5 step of all lanes, and an equal share of the SHA-256 rounds. SHA-256 processes the lanes'
// blocks one after the other, so that all of them are complete after the 64 steps of MD5.
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
  Word state[4], words[kBlockWords];
  LoadState<&HashState::md5>(lanes, state);
  for (std::size_t at = 0; at < blocks * kHashBlockBytes; at += kHashBlockBytes) {
    const Word before[4] = {state[0], state[1], state[2], state[3]};
    LoadBlock(lanes, at, words);
    BlockOfBoth(state, words, lanes, at, std::make_index_sequence<64>());
    for (std::size_t i = 0; i < 4; ++i) state[i] += before[i];
  }
  StoreState<&HashState::md5>(state, lanes);
}

struct Processor {
  Processor() {
    unsigned eax, ebx = 0, ecx = 0, edx;
    const bool has_sse41 = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_SSE4_1) != 0;
    ebx = 0;
    __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
    has_sha = has_sse41 && (ebx & bit_SHA) != 0;
    has_avx2 = __builtin_cpu_supports("avx2") != 0;  // also checks that the OS saves the registers
  }
  bool has_sha, has_avx2;
};

#else

struct Processor {
  bool has_sha = false, has_avx2 = false;
};
void EightMd5(const HashLane*, std::size_t) {}
void EightSha256(const HashLane*, std::size_t) {}
template <std::size_t kLanes>
void ShaBlocks(const HashLane*, std::size_t) {}
template <typename Word>
void BlocksOfBoth(const HashLane*, std::size_t) {}

#endif

const Processor& ThisProcessor() {
  static const Processor processor;
  return processor;
}

// With fewer lanes OpenSSL is at least as fast, because eight lanes in vectors take as long as three in
// OpenSSL.
constexpr std::size_t kMinSha256InVectors = 4;

}  // namespace

bool Has(Sha256Engine engine) {
  switch (engine) {
    case Sha256Engine::kShaExtensions: return ThisProcessor().has_sha;
    case Sha256Engine::kAvx2: return ThisProcessor().has_avx2;
    case Sha256Engine::kOpenSsl: return true;
  }
  return false;
}

Sha256Engine BestSha256Engine() {
  for (const auto engine : {Sha256Engine::kShaExtensions, Sha256Engine::kAvx2}) {
    if (Has(engine)) return engine;
  }
  return Sha256Engine::kOpenSsl;
}

std::size_t Sha256Lanes(Sha256Engine engine) {
  switch (engine) {
    case Sha256Engine::kShaExtensions: return 2;
    case Sha256Engine::kAvx2: return kLanesOf<EightWords>;
    case Sha256Engine::kOpenSsl: return 1;
  }
  return 1;
}

std::size_t Md5Lanes() { return ThisProcessor().has_avx2 ? kLanesOf<EightWords> : kLanesOf<FourWords>; }

std::size_t Sha256AndMd5Lanes(Sha256Engine engine) {
  return engine == Sha256Engine::kShaExtensions ? kLanesOf<FourWords> : Md5Lanes();
}

void HashSha256(Sha256Engine engine, std::span<const HashLane> lanes, std::size_t blocks) {
  if (engine == Sha256Engine::kShaExtensions) {
    for (; lanes.size() >= 2; lanes = lanes.subspan(2)) ShaBlocks<2>(lanes.data(), blocks);
    if (!lanes.empty()) ShaBlocks<1>(lanes.data(), blocks);
  } else if (engine == Sha256Engine::kAvx2 && lanes.size() >= kMinSha256InVectors) {
    EightSha256(FilledLanes<EightWords>(lanes).data(), blocks);
  } else {
    for (const auto& lane : lanes)
      HashSha256Blocks({lane.data, blocks * kHashBlockBytes}, &lane.state->sha256);
  }
}

void HashMd5(std::span<const HashLane> lanes, std::size_t blocks) {
  if (lanes.size() == 1) return Md5Blocks<OneWord>(lanes.data(), blocks);
  if (lanes.size() > kLanesOf<FourWords> && ThisProcessor().has_avx2) {
    return EightMd5(FilledLanes<EightWords>(lanes).data(), blocks);
  }
  InFours(lanes, [blocks](const HashLane* four) { Md5Blocks<FourWords>(four, blocks); });
}

void HashSha256AndMd5(Sha256Engine engine, std::span<const HashLane> lanes, std::size_t blocks) {
  if (engine != Sha256Engine::kShaExtensions) {
    HashSha256(engine, lanes, blocks);
    HashMd5(lanes, blocks);
  } else if (lanes.size() == 1) {
    BlocksOfBoth<OneWord>(lanes.data(), blocks);
  } else {
    InFours(lanes, [blocks](const HashLane* four) { BlocksOfBoth<FourWords>(four, blocks); });
  }
}

}  // namespace s3
