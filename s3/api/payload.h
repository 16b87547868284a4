// The data of one request: what is computed from it once, and how it travels. Any thread.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "s3/api/classify_response.h"
#include "s3/api/properties.h"
#include "s3/base/result.h"
#include "s3/hash/hash.h"
#include "s3/hash/hash_stream.h"
#include "s3/http.h"
#include "s3/options.h"

namespace s3 {

struct Payload {
  // Not owned; unchanged until the last attempt has ended. Of a `file` there are none.
  std::string_view bytes;
  FileRange file;
  // Of a file: fails when it has changed since. Asked when the store has got other bytes; from any thread.
  std::function<Result<void>()> check_file;
  IntegrityOptions integrity;
  std::string sha256;    // hex; empty when neither payload mode nor checksum needs it
  std::string checksum;  // base64 of the chosen checksum; empty for kNone

  std::uint64_t size() const { return bytes.size() + file.bytes; }
};

// The digests of a payload, piece by piece: whoever reads the pieces can have them digested while they are in
// the processor's cache. `integrity` is resolved: its checksum is not kAuto.
class PayloadDigests {
 public:
  explicit PayloadDigests(const IntegrityOptions& integrity, Sha256Engine engine = BestSha256Engine());
  void Update(std::string_view piece);
  struct Piece {
    PayloadDigests* digests;
    std::string_view data;
  };
  // The same as an Update of each, in less time where they are alike. At most kMaxHashLanes, of different
  // payloads.
  static void UpdateAll(std::span<const Piece> pieces);
  // How many are best digested together; one where it makes no difference.
  std::size_t lanes() const { return hashes_ ? hashes_->lanes() : 1; }
  // The same where there is a processor for each.
  std::size_t lanes_of_few() const { return hashes_ ? hashes_->lanes_of_few() : 1; }
  // `bytes`: all pieces, which stay where they are. Called once.
  Payload Finish(std::string_view bytes);
  // They are sent from the file, in an encoding that does not cut them into chunks.
  Payload Finish(const FileRange& file, std::function<Result<void>()> check_file);

  // Small enough to stay in the cache from one digest to the next.
  static constexpr std::size_t kPieceBytes = 128 << 10;

 private:
  Payload Finish();
  void UpdateCrc(std::string_view piece);

  const IntegrityOptions integrity_;
  std::optional<HashStream> hashes_;
  std::uint32_t crc32c_ = 0;
  std::uint64_t crc64_ = 0;
};

// Reads `bytes` once.
Payload MakePayload(std::string_view bytes, const IntegrityOptions& integrity);

// Adds the headers that travel with the data, before signing; returns what is to be signed as
// x-amz-content-sha256.
std::string AttachPayload(const Payload& payload, HttpRequest* request);

// What the compared values of an answer mean: nothing when they are those of what was sent, or when
// the store names none that can be compared (an ETag that is no MD5).
std::optional<Error> CompareWithSent(const Payload& payload, const ObjectProperties& properties,
                                     const Response& answer);

// The 16 bytes of an ETag that is an MD5: 32 hex digits in quotes, of an object that is not
// encrypted with KMS or customer keys.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
std::optional<std::string> Md5OfETag(std::string_view etag, const ObjectProperties& properties,
                                     const HttpHeaders& answer);

// A body in the aws-chunked encoding. Owns the framing; the data stays where it is.
struct ChunkedBody {
  std::vector<std::string> framing;
  std::vector<std::string_view> pieces;  // framing and data in turn
};

// True when the payload travels in aws-chunked encoding.
bool IsChunked(const IntegrityOptions& integrity);

// `sign_chunk` and `sign_trailer` return the signature of a chunk and of the trailers, following the
// one before; both empty when chunks are not signed.
struct ChunkSigning {
  std::string seed;
  std::function<std::string(std::string_view previous, std::string_view chunk)> sign_chunk;
  std::function<std::string(std::string_view previous, std::string_view trailers)> sign_trailer;
};
ChunkedBody FrameChunks(const Payload& payload, const ChunkSigning& signing);

// At least 8 KiB; larger chunks cost fewer signatures.
inline constexpr std::size_t kChunkBytes = 256 << 10;

}  // namespace s3
