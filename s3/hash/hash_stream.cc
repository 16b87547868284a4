#include "s3/hash/hash_stream.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace s3 {
namespace {

constexpr std::size_t kBlock = kHashBlockBytes;

std::size_t BlocksIn(std::string_view data) { return data.size() / kBlock; }

// The padding after the data: a one bit, zeros up to 8 bytes before the end of a block, and the length in
// bits.
struct Padding {
  Padding(std::uint64_t bytes, bool big_endian) {
    constexpr std::size_t kLengthBytes = 8;
    text[0] = '\x80';
    const auto zeros_end = (2 * kBlock - kLengthBytes - bytes % kBlock - 1) % kBlock + 1;
    size = zeros_end + kLengthBytes;
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
      text[zeros_end + (big_endian ? kLengthBytes - 1 - i : i)] = static_cast<char>(bytes * 8 >> (8 * i));
    }
  }
  std::string_view view() const { return {text.data(), size}; }

  std::array<char, kBlock + 8> text{};
  std::size_t size;
};

template <std::size_t kBytes, typename State>
std::array<std::uint8_t, kBytes> BytesOf(const State& words, bool big_endian) {
  std::array<std::uint8_t, kBytes> bytes;
  for (std::size_t i = 0; i < kBytes / 4; ++i) {
    const bool is_native = big_endian == (std::endian::native == std::endian::big);
    const std::uint32_t word = is_native ? words[i] : __builtin_bswap32(words[i]);
    std::memcpy(bytes.data() + 4 * i, &word, 4);
  }
  return bytes;
}

}  // namespace

void HashStream::UpdateAll(std::span<Piece> pieces) {
  const auto& first = *pieces.front().stream;
  const bool same_kind = std::all_of(pieces.begin(), pieces.end(),
                                     [&](const Piece& piece) { return piece.stream->HasSameKind(first); });
  if (!same_kind) {
    for (const auto& [stream, data] : pieces) stream->Update(data);
    return;
  }
  for (auto& [stream, data] : pieces) data = stream->FillBlock(data);
  // Hashes as many blocks of each piece as the shortest piece has, then repeats that for the pieces that have
  // more.
  for (;;) {
    std::array<HashLane, kMaxHashLanes> lanes;
    std::size_t count = 0, blocks = ~std::size_t{0};
    for (const auto& [stream, data] : pieces) {
      if (BlocksIn(data) == 0) continue;
      lanes[count++] = {&stream->state_, data.data()};
      blocks = std::min(blocks, BlocksIn(data));
    }
    if (count < 2) break;
    first.HashBlocks(std::span(lanes).first(count), blocks);
    for (auto& [stream, data] : pieces) {
      if (BlocksIn(data) == 0) continue;
      stream->bytes_ += blocks * kBlock;
      data.remove_prefix(blocks * kBlock);
    }
  }
  for (const auto& [stream, data] : pieces) stream->Update(data);
}

void HashStream::HashBlocks(std::span<const HashLane> lanes, std::size_t blocks) const {
  if (sha256_ && md5_) return HashSha256AndMd5(engine_, lanes, blocks);
  return sha256_ ? HashSha256(engine_, lanes, blocks) : HashMd5(lanes, blocks);
}

std::string_view HashStream::FillBlock(std::string_view data) {
  const std::size_t begun = bytes_ % kBlock;
  if (begun == 0) return data;
  const auto added = std::min(kBlock - begun, data.size());
  if (added > 0) std::memcpy(block_.data() + begun, data.data(), added);
  bytes_ += added;
  const HashLane lane{&state_, block_.data()};
  if (begun + added == kBlock) HashBlocks({&lane, 1}, 1);
  return data.substr(added);
}

void HashStream::Update(std::string_view data) {
  data = FillBlock(data);
  const HashLane lane{&state_, data.data()};
  HashBlocks({&lane, 1}, BlocksIn(data));
  const auto rest = data.substr(BlocksIn(data) * kBlock);
  if (!rest.empty()) std::memcpy(block_.data(), rest.data(), rest.size());
  bytes_ += data.size();
}

// The paddings of the two hashes differ in the byte order of the length. So each hash finishes alone, from
// the common state.
HashStream::Digests HashStream::Finish() {
  Digests digests;
  const auto bytes = bytes_;
  const auto block = block_;
  if (sha256_) {
    const bool md5 = std::exchange(md5_, false);
    Update(Padding(bytes, true).view());
    digests.sha256 = BytesOf<32>(state_.sha256, true);
    md5_ = md5;
  }
  if (md5_) {
    sha256_ = false;
    bytes_ = bytes;
    block_ = block;
    Update(Padding(bytes, false).view());
    digests.md5 = BytesOf<16>(state_.md5, false);
  }
  return digests;
}

}  // namespace s3
