// The inner loops of SHA-256 and MD5, over several streams at once. Pure; any thread.
// FIPS 180-4, https://csrc.nist.gov/pubs/fips/180-4/upd1/final; RFC 1321,
// https://www.rfc-editor.org/rfc/rfc1321
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace s3 {

// What a stream's hashes have come to; to begin with, the initial values of both.
struct HashState {
  std::array<std::uint32_t, 8> sha256{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint32_t, 4> md5{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
};

// Whole blocks of one stream. Owns neither.
struct HashLane {
  HashState* state;
  const char* data;
};

constexpr std::size_t kHashBlockBytes = 64;
constexpr std::size_t kMostHashLanes = 4;

// Whether this processor has instructions for SHA-256: x86-64 with SHA extensions. Without them the two
// functions that need them do nothing.
bool HasSha256Lanes();

// Hashes `blocks` blocks of each of 1 to kMostHashLanes lanes.
void HashSha256(std::span<const HashLane> lanes, std::size_t blocks);  // needs HasSha256Lanes()
void HashMd5(std::span<const HashLane> lanes, std::size_t blocks);
void HashSha256AndMd5(std::span<const HashLane> lanes, std::size_t blocks);  // needs HasSha256Lanes()

}  // namespace s3
