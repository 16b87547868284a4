// Receives the body of one request: decodes aws-chunked, verifies chunk signatures, and compares digests and
// checksum with the values that the request promised. For one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "s3/endpoint/call.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/storage/checksums.h"
#include "s3/endpoint/storage/store.h"
#include "s3/endpoint/verify.h"
#include "s3/hash/hash.h"

namespace s3::endpoint {

struct ReceivedBody {
  std::uint64_t size_bytes = 0;    // decoded
  std::string md5, sha256;         // binary, not hex
  std::optional<Header> checksum;  // "x-amz-checksum-..." and its base64 value, as computed here
  std::unique_ptr<ObjectUpload> upload;
  std::string text;  // the body, if the receiver has no upload
};

class BodyReceiver {
 public:
  // Writes the bytes to `upload` as they arrive. If `upload` is null, keeps the bytes as text, at most
  // kMaxTextBytes. Memory use does not depend on the size of chunks. `checksum` names a checksum to compute
  // even if the request promises none ("x-amz-checksum-crc32c"; empty for none). Call and options are not
  // owned.
  BodyReceiver(const Call& call, const ServerOptions& options, std::unique_ptr<ObjectUpload> upload,
               std::string_view checksum);

  // Processes the next bytes of the request. Returns a refusal if the body is wrong; call no other function
  // after a refusal.
  std::optional<Reply> Take(std::string_view bytes);
  // Call Finish after the last byte. Returns a refusal if the body is incomplete or a promised value differs.
  std::optional<Reply> Finish();
  // Call Result once, after Finish returned no refusal.
  ReceivedBody Result() { return std::move(result_); }

  static constexpr std::size_t kMaxTextBytes = 8 << 20;

 private:
  enum class State { kPlain, kChunkHeader, kChunkData, kChunkEnd, kTrailer, kDone };

  std::optional<Reply> Store(std::string_view bytes);
  std::optional<Reply> TakeLine(const std::string& line);
  std::optional<Reply> BeginChunk(const std::string& line);
  std::optional<Reply> EndChunk();
  std::optional<Reply> EndTrailers();
  std::optional<Reply> CompareChecksum();

  const Call& call_;
  const ServerOptions& options_;
  const std::string promised_;  // x-amz-content-sha256
  const bool chunks_are_signed_;
  State state_;
  Digest md5_{Digest::Kind::kMd5}, sha256_{Digest::Kind::kSha256};
  std::optional<StreamChecksum> checksum_;
  const std::uint64_t max_bytes_;  // decoded
  std::string line_;
  std::string chunk_signature_, previous_signature_;
  std::uint64_t chunk_bytes_ = 0, chunk_left_ = 0;
  std::optional<Digest> chunk_hash_;          // if chunks are signed
  std::string trailers_, trailer_signature_;  // canonical, "name:value\n" each
  std::optional<Header> promised_checksum_;
  ReceivedBody result_;
};

// Returns the name of the checksum header or trailer that the request promises; empty for none.
std::string PromisedChecksum(const Call& call);

// Returns the refusal of a PutObject or UploadPart whose headers are wrong; call it before reading the body.
std::optional<Reply> CheckBodyHeaders(const Call& call);

}  // namespace s3::endpoint
