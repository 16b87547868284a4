// Receives the body of one request: decodes aws-chunked, verifies chunk signatures, computes what
// the request promised and compares. One thread at a time.
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
  std::string md5, sha256;         // bytes
  std::optional<Header> checksum;  // "x-amz-checksum-..." and its base64 value, as computed here
  std::unique_ptr<ObjectUpload> upload;
  std::string text;  // of a request without an upload
};

class BodyReceiver {
 public:
  // With an `upload`, the bytes go there as they come, which nobody sees before all is verified; else they
  // are kept as text, kMaxTextBytes at most. Memory does not depend on what a client calls a chunk. A
  // `checksum` is computed even when the request promises none ("x-amz-checksum-crc32c"; empty for
  // none). Neither call nor options are owned.
  BodyReceiver(const Call& call, const ServerOptions& options, std::unique_ptr<ObjectUpload> upload,
               std::string_view checksum);

  // Bytes as they came; the answer is a refusal, after which there is nothing more to take.
  std::optional<Reply> Take(std::string_view bytes);
  // After the last byte: what was promised and does not hold is a refusal.
  std::optional<Reply> Finish();
  // After a Finish without refusal.
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
  std::optional<Digest> chunk_hash_;          // of a signed one
  std::string trailers_, trailer_signature_;  // canonical, "name:value\n" each
  std::optional<Header> promised_checksum_;
  ReceivedBody result_;
};

// The name of the checksum header or trailer that the request promises; empty for none.
std::string PromisedChecksum(const Call& call);

// A data request's refusal that can be told from its headers, before its body is read.
std::optional<Reply> CheckBodyHeaders(const Call& call);

}  // namespace s3::endpoint
