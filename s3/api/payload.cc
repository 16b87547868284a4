#include "s3/api/payload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "s3/api/etag.h"
#include "s3/api/sigv4.h"
#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"

namespace s3 {
namespace {

bool HasChecksumHeader(ChecksumAlgorithm algorithm) { return !ChecksumHeader(algorithm).empty(); }

// kStreaming needs no SHA-256 of the whole body: FrameChunks reads the data again and digests each chunk.
bool NeedsSha256(const IntegrityOptions& integrity) {
  return integrity.payload == PayloadMode::kSha256 || integrity.checksum == ChecksumAlgorithm::kSha256;
}

bool HasTrailer(const IntegrityOptions& integrity) {
  return integrity.trailer && HasChecksumHeader(integrity.checksum);
}

std::string_view ContentSha256(const Payload& payload) {
  const bool trailer = HasTrailer(payload.integrity);
  switch (payload.integrity.payload) {
    case PayloadMode::kSha256: return payload.sha256;
    case PayloadMode::kUnsigned: return trailer ? kUnsignedTrailer : kUnsignedPayload;
    case PayloadMode::kStreaming: return trailer ? kSignedChunksTrailer : kSignedChunks;
  }
  return "";
}

Error Mismatch(std::string message, const Response& response) {
  return {.kind = ErrorKind::kIntegrity, .message = std::move(message), .request_id = response.request_id};
}

HashStream::Kind HashKind(bool sha256, bool md5) {
  if (sha256 && md5) return HashStream::Kind::kBoth;
  return sha256 ? HashStream::Kind::kSha256 : HashStream::Kind::kMd5;
}

}  // namespace

PayloadDigests::PayloadDigests(const IntegrityOptions& integrity, Sha256Engine engine)
    : integrity_(integrity) {
  const bool sha256 = NeedsSha256(integrity);
  const bool md5 = integrity.checksum == ChecksumAlgorithm::kMd5;
  if (sha256 || md5) hashes_.emplace(HashKind(sha256, md5), engine);
}

void PayloadDigests::Update(std::string_view piece) {
  if (hashes_) hashes_->Update(piece);
  UpdateCrc(piece);
}

void PayloadDigests::UpdateAll(std::span<const Piece> pieces) {
  std::array<HashStream::Piece, kMaxHashLanes> hashed;
  std::size_t count = 0;
  for (const auto& [digests, data] : pieces) {
    if (digests->hashes_) hashed[count++] = {&*digests->hashes_, data};
    digests->UpdateCrc(data);
  }
  if (count > 0) HashStream::UpdateAll(std::span(hashed).first(count));
}

void PayloadDigests::UpdateCrc(std::string_view piece) {
  if (integrity_.checksum == ChecksumAlgorithm::kCrc32c) crc32c_ = Crc32c(piece, crc32c_);
  if (integrity_.checksum == ChecksumAlgorithm::kCrc64Nvme) crc64_ = Crc64Nvme(piece, crc64_);
}

Payload PayloadDigests::Finish(std::string_view bytes) {
  auto payload = Finish();
  payload.bytes = bytes;
  if (bytes.empty() && IsChunked(integrity_)) {
    // Ceph 16 refuses aws-chunked without data (HTTP 400). So an empty body is sent without chunks, with its
    // checksum in a header.
    payload.integrity.trailer = false;
    if (integrity_.payload == PayloadMode::kStreaming) {
      payload.integrity.payload = PayloadMode::kSha256;
      payload.sha256 = Sha256Hex("");
    }
  }
  return payload;
}

Payload PayloadDigests::Finish(const FileRange& file, std::function<Result<void>()> check_file) {
  auto payload = Finish();
  payload.file = file;
  payload.check_file = std::move(check_file);
  return payload;
}

Payload PayloadDigests::Finish() {
  Payload payload;
  payload.integrity = integrity_;
  const auto hashes = hashes_ ? hashes_->Finish() : HashStream::Digests();
  if (NeedsSha256(integrity_)) payload.sha256 = HexEncode(AsBytes(hashes.sha256));
  switch (integrity_.checksum) {
    case ChecksumAlgorithm::kMd5: payload.checksum = Base64Encode(AsBytes(hashes.md5)); break;
    case ChecksumAlgorithm::kCrc32c: payload.checksum = CrcText(crc32c_); break;
    case ChecksumAlgorithm::kCrc64Nvme: payload.checksum = CrcText(crc64_); break;
    case ChecksumAlgorithm::kSha256: payload.checksum = Base64Encode(AsBytes(hashes.sha256)); break;
    default: break;
  }
  return payload;
}

Payload MakePayload(std::string_view bytes, const IntegrityOptions& integrity) {
  PayloadDigests digests(integrity);
  for (std::size_t offset = 0; offset < bytes.size(); offset += PayloadDigests::kPieceBytes) {
    digests.Update(bytes.substr(offset, PayloadDigests::kPieceBytes));
  }
  return digests.Finish(bytes);
}

std::string AttachPayload(const Payload& payload, HttpRequest* request) {
  const auto& integrity = payload.integrity;
  auto& headers = request->headers;
  request->body = payload.bytes;
  request->body_file = payload.file;
  if (integrity.checksum == ChecksumAlgorithm::kMd5) headers.push_back({"content-md5", payload.checksum});
  const std::string name(ChecksumHeader(integrity.checksum));
  if (!name.empty() && !integrity.trailer) headers.push_back({name, payload.checksum});
  if (!name.empty() && integrity.trailer) headers.push_back({"x-amz-trailer", name});
  if (IsChunked(integrity)) {
    headers.push_back({"x-amz-decoded-content-length", fmt::format("{}", payload.bytes.size())});
    const auto encoding = std::find_if(headers.begin(), headers.end(), [](const Header& header) {
      return header.name == "content-encoding";
    });
    if (encoding == headers.end()) {
      headers.push_back({"content-encoding", "aws-chunked"});
    } else {
      encoding->value = "aws-chunked," + encoding->value;
    }
  }
  return std::string(ContentSha256(payload));
}

bool IsChunked(const IntegrityOptions& integrity) {
  return integrity.payload == PayloadMode::kStreaming || HasTrailer(integrity);
}

ChunkedBody FrameChunks(const Payload& payload, const ChunkSigning& signing) {
  ChunkedBody body;
  const bool trailer = HasTrailer(payload.integrity);
  const auto chunks = payload.bytes.size() / kChunkBytes + 2;
  body.framing.reserve(2 * chunks + 2);  // must not reallocate: `pieces` points into it
  const auto frame = [&](std::string text) {
    body.framing.push_back(std::move(text));
    body.pieces.push_back(body.framing.back());
  };
  auto previous = signing.seed;
  const auto begin_chunk = [&](std::string_view chunk) {
    std::string extension;
    if (signing.sign_chunk) {
      previous = signing.sign_chunk(previous, chunk);
      extension = ";chunk-signature=" + previous;
    }
    frame(fmt::format("{:x}{}\r\n", chunk.size(), extension));
  };
  for (std::size_t offset = 0; offset < payload.bytes.size(); offset += kChunkBytes) {
    const auto chunk = payload.bytes.substr(offset, kChunkBytes);
    begin_chunk(chunk);
    body.pieces.push_back(chunk);
    frame("\r\n");
  }
  begin_chunk("");
  if (!trailer) {
    frame("\r\n");
    return body;
  }
  const auto line = fmt::format("{}:{}", ChecksumHeader(payload.integrity.checksum), payload.checksum);
  std::string last = line + "\r\n";
  if (signing.sign_trailer) {
    last += fmt::format("x-amz-trailer-signature:{}\r\n", signing.sign_trailer(previous, line + "\n"));
  }
  frame(last + "\r\n");
  return body;
}

std::optional<std::string> Md5OfETag(std::string_view etag, const ObjectProperties& properties,
                                     const HttpHeaders& response) {
  const auto used = response.Find("x-amz-server-side-encryption").value_or("");
  const auto* requested = properties.Find("x-amz-server-side-encryption");
  const bool kms = used.starts_with("aws:kms") || (requested != nullptr && requested->starts_with("aws:kms"));
  if (kms || !properties.customer_key().empty()) return std::nullopt;
  auto bytes = HexDecode(OpaqueTag(etag));
  if (!bytes || bytes->size() != 16) return std::nullopt;
  return bytes;
}

std::optional<Error> CompareWithSent(const Payload& payload, const ObjectProperties& properties,
                                     const Response& response) {
  const auto algorithm = payload.integrity.checksum;
  if (algorithm == ChecksumAlgorithm::kMd5) {
    const auto md5 = Md5OfETag(response.etag, properties, response.headers);
    if (!md5 || Base64Encode(*md5) == payload.checksum) return std::nullopt;
    return Mismatch(
        "the ETag in the response is not the MD5 of the bytes that were sent (if this store's ETags only "
        "look like MD5s, set integrity.checksum to none)",
        response);
  }
  if (!HasChecksumHeader(algorithm)) return std::nullopt;
  const auto theirs = response.headers.Find(ChecksumHeader(algorithm));
  if (!theirs || *theirs == payload.checksum) return std::nullopt;
  return Mismatch(
      fmt::format("the {} in the response is not that of the bytes that were sent", ChecksumName(algorithm)),
      response);
}

}  // namespace s3
