// The inner loops of SHA-256 and MD5, over several streams (lanes) at once. Pure functions, any thread.
// FIPS 180-4, https://csrc.nist.gov/pubs/fips/180-4/upd1/final; RFC 1321,
// https://www.rfc-editor.org/rfc/rfc1321
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace s3 {

// The state of a stream's hashes; initially the start values of both hashes.
struct HashState {
  std::array<std::uint32_t, 8> sha256{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint32_t, 4> md5{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
};

// The blocks of one stream that are to be hashed, and the stream's state. Owns neither.
struct HashLane {
  HashState* state;
  const char* data;
};

constexpr std::size_t kHashBlockBytes = 64;
constexpr std::size_t kMaxHashLanes = 8;

// Ways to compute SHA-256.
enum class Sha256Engine {
  kOpenSsl,        // one stream after the other, on any processor
  kAvx2,           // eight streams side by side in vectors; fewer than four one by one with OpenSSL
  kShaExtensions,  // two streams interleaved, with the SHA instructions of x86-64
};
bool Has(Sha256Engine engine);  // true when this processor has the instructions for it
Sha256Engine BestSha256Engine();

// Return how many streams to hash together for the least time per byte.
std::size_t Sha256Lanes(Sha256Engine engine);
std::size_t Md5Lanes();
std::size_t Sha256AndMd5Lanes(Sha256Engine engine);

// Hash `blocks` blocks of each lane. Preconditions: 1 to kMaxHashLanes lanes, and Has(engine).
void HashSha256(Sha256Engine engine, std::span<const HashLane> lanes, std::size_t blocks);
void HashMd5(std::span<const HashLane> lanes, std::size_t blocks);
void HashSha256AndMd5(Sha256Engine engine, std::span<const HashLane> lanes, std::size_t blocks);

}  // namespace s3
