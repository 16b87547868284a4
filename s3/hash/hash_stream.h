// SHA-256, MD5 or both, piece by piece, of one stream or of several at once. A stream may move between
// threads, but only one may use it at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "s3/hash/hash.h"
#include "s3/hash/hash_lanes.h"

namespace s3 {

// Hashes one stream. Each step of SHA-256 and MD5 needs the result of the step before, so most of the
// processor is idle. Therefore hashing several streams together, or computing both hashes of a stream
// together, takes little more time than hashing one stream with one hash.
class HashStream {
 public:
  enum class Kind { kSha256, kMd5, kBoth };
  struct Digests {  // only the digests of the stream's kind are set
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
  // Updates each stream with its piece. Faster than single Updates if all streams have the same kind.
  // Precondition: at most kMaxHashLanes pieces, each of a different stream. Changes `data` of the pieces.
  static void UpdateAll(std::span<Piece> pieces);
  // Ends the stream. Call it once.
  Digests Finish();

  // Returns how many streams of this kind to hash together for the least CPU time per byte.
  std::size_t lanes() const {
    if (!md5_) return Sha256Lanes(engine_);
    return sha256_ ? Sha256AndMd5Lanes(engine_) : Md5Lanes();
  }
  // Returns how many streams of this kind to hash together when each stream could have a processor of its
  // own: 1 if hashing lanes() streams together takes more than twice as long as hashing one stream alone,
  // otherwise lanes().
  std::size_t lanes_of_few() const { return sha256_ && engine_ == Sha256Engine::kAvx2 ? 1 : lanes(); }

 private:
  bool HasSameKind(const HashStream& other) const {
    return sha256_ == other.sha256_ && md5_ == other.md5_ && engine_ == other.engine_;
  }
  void HashBlocks(std::span<const HashLane> lanes, std::size_t blocks) const;
  // Completes the block that an earlier piece began, and hashes it. Returns the rest of `data`.
  std::string_view FillBlock(std::string_view data);

  bool sha256_, md5_;
  Sha256Engine engine_;
  HashState state_;
  std::uint64_t bytes_ = 0;
  // Holds data that does not fill a block yet, in its first bytes_ % kHashBlockBytes bytes.
  std::array<char, kHashBlockBytes> block_{};
};

}  // namespace s3
