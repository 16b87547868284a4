// Digests, their text forms, and random bytes. Any thread. Only hash.cc uses OpenSSL's digests.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace s3 {

using Sha256Digest = std::array<std::uint8_t, 32>;
using Md5Digest = std::array<std::uint8_t, 16>;

Sha256Digest Sha256(std::string_view data);
Md5Digest Md5(std::string_view data);
// Returns the HMAC of FIPS 198-1, https://csrc.nist.gov/pubs/fips/198-1/final
Sha256Digest HmacSha256(std::string_view key, std::string_view data);

// Hashes whole blocks of 64 bytes with OpenSSL. `words` is the state H0 to H7 of FIPS 180-4, which is
// updated.
void HashSha256Blocks(std::string_view blocks, std::array<std::uint32_t, 8>* words);

std::string HexEncode(std::string_view bytes);  // lower case, as SigV4 requires
// Decodes pairs of hex digits, in either case. Returns nothing for any other text.
std::optional<std::string> HexDecode(std::string_view text);
std::string Base64Encode(std::string_view bytes);
// Decodes standard base64 with padding. Returns nothing for any other text.
std::optional<std::string> Base64Decode(std::string_view text);

template <std::size_t N>
std::string_view AsBytes(const std::array<std::uint8_t, N>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), N};
}

inline std::string Sha256Hex(std::string_view data) { return HexEncode(AsBytes(Sha256(data))); }

// Digests one stream piece by piece, with OpenSSL. HashStream is faster when several streams are hashed
// together.
class Digest {
 public:
  enum class Kind { kSha256, kMd5, kSha1 };
  explicit Digest(Kind kind);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void Update(std::string_view data);
  // Ends the stream and returns the bytes of the digest. Call it once.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Returns `bytes` unpredictable random bytes from the operating system. Throws std::system_error if the
// system cannot provide them.
std::string RandomBytes(std::size_t bytes);

}  // namespace s3
