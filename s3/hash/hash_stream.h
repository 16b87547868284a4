// SHA-256, MD5 or both, piece by piece, of one stream or of several at once. Any thread; a stream is one
// thread's at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "s3/hash/hash.h"
#include "s3/hash/hash_lanes.h"

namespace s3 {

// Each step of these hashes needs the result of the one before, and the processor could have begun others
// meanwhile. With the steps of other streams in between, and with those of the other hash, all take little
// more time than one.
class HashStream {
 public:
  enum class Kind { kSha256, kMd5, kBoth };
  struct Digests {  // those of its kind
    Sha256Digest sha256{};
    Md5Digest md5{};
  };
  struct Piece {
    HashStream* stream;
    std::string_view data;
  };

  explicit HashStream(Kind kind, Sha256Engine engine = BestSha256Engine())
      : sha256_(kind != Kind::kMd5), md5_(kind != Kind::kSha256), engine_(engine) {}

  void Update(std::string_view data);
  // The same as an Update of each, in less time where they are of one kind. At most
  // kMaxHashLanes, of different streams.
  static void UpdateAll(std::span<Piece> pieces);
  // Ends the stream; call once.
  Digests Finish();

  // How many of its kind are best hashed together, so that all take the least of the processors' time.
  std::size_t lanes() const {
    return !md5_ ? Sha256Lanes(engine_) : sha256_ ? Sha256AndMd5Lanes(engine_) : Md5Lanes();
  }
  // The same where there is a processor for each: one, if together each would take more than twice as long as
  // alone.
  std::size_t lanes_of_few() const { return sha256_ && engine_ == Sha256Engine::kAvx2 ? 1 : lanes(); }

 private:
  bool IsLike(const HashStream& other) const {
    return sha256_ == other.sha256_ && md5_ == other.md5_ && engine_ == other.engine_;
  }
  void HashBlocks(std::span<const HashLane> lanes, std::size_t blocks) const;
  // Takes in what completes the block that an earlier piece began; what is left of `data` then.
  std::string_view FillBlock(std::string_view data);

  bool sha256_, md5_;
  Sha256Engine engine_;
  HashState state_;
  std::uint64_t bytes_ = 0;
  // Its first bytes_ % kHashBlockBytes are data that do not yet fill a block.
  std::array<char, kHashBlockBytes> block_{};
};

}  // namespace s3
