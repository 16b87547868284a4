// HashSha256Blocks uses the deprecated SHA256_Update: EVP cannot continue from a state that other code
// computed.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "s3/hash/hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <stdexcept>
#include <system_error>

#include "s3/base/unique_fd.h"
#include "s3/hash/hash_stream.h"

namespace s3 {
namespace {

// Fetched only once. EVP_sha256() would fetch implicitly, with a lock and a lookup for each digest.
const EVP_MD* FetchedSha256() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

const EVP_MD* FetchedMd5() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return md;
}

const EVP_MD* FetchedSha1() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return md;
}

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Context NewContext(const EVP_MD* md) {
  Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  // The digests are built in, so only a lack of memory can fail here.
  if (!context || !md || EVP_DigestInit_ex2(context.get(), md, nullptr) != 1) throw std::bad_alloc();
  return context;
}

Sha256Digest Sha256Of(std::initializer_list<std::string_view> pieces) {
  HashStream stream(HashStream::Kind::kSha256);
  for (const auto piece : pieces) stream.Update(piece);
  return stream.Finish().sha256;
}

}  // namespace

Sha256Digest Sha256(std::string_view data) { return Sha256Of({data}); }

Md5Digest Md5(std::string_view data) {
  HashStream stream(HashStream::Kind::kMd5);
  stream.Update(data);
  return stream.Finish().md5;
}

Sha256Digest HmacSha256(std::string_view key, std::string_view data) {
  constexpr std::size_t kBlockBytes = 64;
  std::array<char, kBlockBytes> inner{}, outer{};
  const Sha256Digest hashed_key = key.size() > kBlockBytes ? Sha256(key) : Sha256Digest{};
  if (key.size() > kBlockBytes) key = AsBytes(hashed_key);
  if (!key.empty()) std::memcpy(inner.data(), key.data(), key.size());
  outer = inner;
  for (auto& c : inner) c = static_cast<char>(c ^ 0x36);
  for (auto& c : outer) c = static_cast<char>(c ^ 0x5c);
  const auto digest = Sha256Of({{inner.data(), inner.size()}, data});
  return Sha256Of({{outer.data(), outer.size()}, AsBytes(digest)});
}

// Uses OpenSSL's context for the state only. The caller counts the bytes, and keeps the bytes that do not
// fill a block.
void HashSha256Blocks(std::string_view blocks, std::array<std::uint32_t, 8>* words) {
  SHA256_CTX context{};
  std::copy(words->begin(), words->end(), context.h);
  context.md_len = SHA256_DIGEST_LENGTH;
  SHA256_Update(&context, blocks.data(), blocks.size());
  std::copy(std::begin(context.h), std::end(context.h), words->begin());
}

std::string HexEncode(std::string_view bytes) {
  static constexpr auto kPairs = [] {
    constexpr char kDigits[] = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kDigits[i >> 4], kDigits[i & 15]};
    return pairs;
  }();
  std::string text(bytes.size() * 2, '\0');
  char* out = text.data();
  for (const char c : bytes) {
    std::memcpy(out, kPairs[static_cast<std::uint8_t>(c)].data(), 2);
    out += 2;
  }
  return text;
}

std::optional<std::string> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::string Base64Encode(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return text;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  // EVP_DecodeBlock counts the padding as data.
  std::size_t padding = 0;
  if (text.ends_with('=')) padding = text.ends_with("==") ? 2 : 1;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

struct Digest::State {
  Context context;
};

namespace {

const EVP_MD* FetchedOf(Digest::Kind kind) {
  switch (kind) {
    case Digest::Kind::kSha256: return FetchedSha256();
    case Digest::Kind::kMd5: return FetchedMd5();
    case Digest::Kind::kSha1: return FetchedSha1();
  }
  return nullptr;
}

}  // namespace

Digest::Digest(Kind kind) : state_(new State{NewContext(FetchedOf(kind))}) {}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::Update(std::string_view data) {
  EVP_DigestUpdate(state_->context.get(), data.data(), data.size());
}

std::string Digest::Finish() {
  std::string bytes(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(bytes.data()), &length);
  bytes.resize(length);
  return bytes;
}

namespace {

// Used in sandboxes whose seccomp filter does not know getrandom(2) and returns EPERM.
bool ReadRandomDevice(std::span<char> bytes) {
  const UniqueFd device(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
  while (device.get() >= 0 && !bytes.empty()) {
    const ssize_t got = read(device.get(), bytes.data(), bytes.size());
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) break;
  }
  return bytes.empty();
}

}  // namespace

std::string RandomBytes(std::size_t bytes) {
  std::string random(bytes, '\0');
  constexpr std::size_t kMaxAtOnce = 256;  // getentropy(3) returns no more
  for (std::size_t at = 0; at < bytes; at += kMaxAtOnce) {
    const std::span<char> some(random.data() + at, std::min(kMaxAtOnce, bytes - at));
    if (getentropy(some.data(), some.size()) != 0 && !ReadRandomDevice(some)) {
      throw std::system_error(errno, std::generic_category(),
                              "cannot get random bytes from getrandom or /dev/urandom");
    }
  }
  return random;
}

}  // namespace s3
