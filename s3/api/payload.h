// The body of one request: its digests, which are computed once, and the form in which the body is sent. Only
// one thread at a time may use an instance.
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
  // The data is in `bytes` or in `file`. Neither is owned: both must stay unchanged until the last attempt
  // has ended.
  std::string_view bytes;
  FileRange file;
  // Set if the data is in `file`. Returns an error if the file has changed since it was digested. Called, in
  // any thread, after the store received bytes with another digest.
  std::function<Result<void>()> check_file;
  IntegrityOptions integrity;
  std::string sha256;    // hex; empty if neither payload mode nor checksum needs it
  std::string checksum;  // base64 of the selected checksum; empty for kNone

  std::uint64_t size() const { return bytes.size() + file.bytes; }
};

// Computes the digests of a payload piece by piece, so that the caller can digest each piece while it is
// still in the processor's cache. `integrity` must be resolved: its checksum is not kAuto.
class PayloadDigests {
 public:
  explicit PayloadDigests(const IntegrityOptions& integrity, Sha256Engine engine = BestSha256Engine());
  void Update(std::string_view piece);
  struct Piece {
    PayloadDigests* digests;
    std::string_view data;
  };
  // Updates each payload with its piece. Faster than single Updates if the pieces have equal sizes and the
  // payloads need the same digests. Precondition: at most kMaxHashLanes pieces, each of a different payload.
  static void UpdateAll(std::span<const Piece> pieces);
  // Returns how many payloads to digest together for the least CPU time per byte; 1 if the number makes no
  // difference.
  std::size_t lanes() const { return hashes_ ? hashes_->lanes() : 1; }
  // Returns how many payloads to digest together when each payload could have a processor of its own.
  std::size_t lanes_of_few() const { return hashes_ ? hashes_->lanes_of_few() : 1; }
  // Returns the payload. `bytes` must consist of all pieces in order; it is not copied. Call only one of the
  // Finish functions, and only once.
  Payload Finish(std::string_view bytes);
  // Returns a payload that is sent from the file; `integrity` must not require chunks (see IsChunked).
  Payload Finish(const FileRange& file, std::function<Result<void>()> check_file);

  // The size of a piece: small enough that a piece stays in the processor's cache from one digest to the
  // next.
  static constexpr std::size_t kPieceBytes = 128 << 10;

 private:
  Payload Finish();
  void UpdateCrc(std::string_view piece);

  const IntegrityOptions integrity_;
  std::optional<HashStream> hashes_;
  std::uint32_t crc32c_ = 0;
  std::uint64_t crc64_ = 0;
};

// Computes the digests of `bytes` in one pass. `bytes` is not copied.
Payload MakePayload(std::string_view bytes, const IntegrityOptions& integrity);

// Sets the request's body and adds the headers that describe it. Call it before signing. Returns the value to
// sign as x-amz-content-sha256.
std::string AttachPayload(const Payload& payload, HttpRequest* request);

// Compares the checksum or ETag in a response with that of the payload. Returns kIntegrity if they differ;
// nothing if they are equal, or if the response has no value that can be compared (for example an ETag that
// is not an MD5).
std::optional<Error> CompareWithSent(const Payload& payload, const ObjectProperties& properties,
                                     const Response& response);

// Returns the 16 bytes of an ETag that is an MD5. Returns nothing if the ETag does not consist of 32 hex
// digits, or if the object is encrypted with KMS or customer keys.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
std::optional<std::string> Md5OfETag(std::string_view etag, const ObjectProperties& properties,
                                     const HttpHeaders& response);

// A body in the aws-chunked encoding. Owns the framing, but not the data.
struct ChunkedBody {
  std::vector<std::string> framing;
  std::vector<std::string_view> pieces;  // framing and data, alternating
};

// Returns true if the payload is sent in aws-chunked encoding.
bool IsChunked(const IntegrityOptions& integrity);

// `sign_chunk` and `sign_trailer` return the signature of a chunk and of the trailers. `previous` is the
// signature of the chunk before; for the first chunk it is `seed`. Both functions are empty if chunks are not
// signed.
struct ChunkSigning {
  std::string seed;  // the signature of the request's headers
  std::function<std::string(std::string_view previous, std::string_view chunk)> sign_chunk;
  std::function<std::string(std::string_view previous, std::string_view trailers)> sign_trailer;
};
ChunkedBody FrameChunks(const Payload& payload, const ChunkSigning& signing);

// The size of a chunk. S3 requires at least 8 KiB. Larger chunks need fewer signatures.
inline constexpr std::size_t kChunkBytes = 256 << 10;

}  // namespace s3
