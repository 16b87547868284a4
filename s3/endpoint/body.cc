#include "s3/endpoint/body.h"

#include <algorithm>
#include <charconv>

namespace s3::endpoint {
namespace {

constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

constexpr std::uint64_t kMaxPutBytes = 5ull << 30;

bool IsChunked(std::string_view promised) { return promised.starts_with("STREAMING-"); }

// Returns the declared size of the object or part in bytes; nothing if the request does not declare it.
std::optional<std::uint64_t> DeclaredBytes(const Call& call) {
  const bool chunked = IsChunked(PromisedPayloadHash(call));
  const auto length = call.FindHeader(chunked ? "x-amz-decoded-content-length" : "content-length");
  if (!length) return std::nullopt;
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), bytes);
  return error == std::errc() && end == length->data() + length->size() ? std::optional(bytes) : std::nullopt;
}

Reply Malformed(std::string_view what) {
  return ErrorReply(400, "InvalidChunkSizeError", what);  // S3's code for broken aws-chunked
}

Reply BadDigest(std::string_view name) {
  return ErrorReply(400, "BadDigest", std::string(name) + " did not match the calculated value.");
}

// Returns false for x-amz-checksum-algorithm and -type, because they contain no checksum.
bool IsChecksumValue(std::string_view name) { return StreamChecksum::Of(name).has_value(); }

}  // namespace

std::string PromisedChecksum(const Call& call) {
  for (const auto& header : call.headers) {
    if (IsChecksumValue(header.name)) return header.name;
  }
  return call.FindHeader("x-amz-trailer").value_or("");
}

std::optional<Reply> CheckBodyHeaders(const Call& call) {
  const auto promised = PromisedPayloadHash(call);
  const auto bytes = DeclaredBytes(call);
  if (!bytes) {
    return ErrorReply(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  if (*bytes > kMaxPutBytes) {
    return ErrorReply(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  }
  const bool known = promised == kUnsignedPayload || promised == kUnsignedTrailer ||
                     promised == kSignedChunks || promised == kSignedChunksTrailer ||
                     HexDecode(promised).value_or("").size() == 32;
  if (!known) {
    return ErrorReply(400, "InvalidArgument",
                      "x-amz-content-sha256 must be a SHA-256 in hex or one of S3's keywords");
  }
  const auto md5 = call.FindHeader("content-md5");
  if (md5 && Base64Decode(*md5).value_or("").size() != 16) {
    return ErrorReply(400, "InvalidDigest", "The Content-MD5 you specified is not valid.");
  }
  const auto values = std::count_if(call.headers.begin(), call.headers.end(),
                                    [](const Header& header) { return IsChecksumValue(header.name); });
  const auto trailer = call.FindHeader("x-amz-trailer");
  if (values + (trailer ? 1 : 0) > 1) {
    return ErrorReply(400, "InvalidRequest", "Expecting a single x-amz-checksum- header");
  }
  const bool wants_trailer = promised == kUnsignedTrailer || promised == kSignedChunksTrailer;
  if (wants_trailer != trailer.has_value() || (trailer && !IsChecksumValue(*trailer))) {
    return ErrorReply(400, "InvalidRequest", "x-amz-trailer and x-amz-content-sha256 do not agree");
  }
  return std::nullopt;
}

BodyReceiver::BodyReceiver(const Call& call, const ServerOptions& options,
                           std::unique_ptr<ObjectUpload> upload, std::string_view checksum)
    : call_(call),
      options_(options),
      promised_(PromisedPayloadHash(call)),
      chunks_are_signed_(promised_ == kSignedChunks || promised_ == kSignedChunksTrailer),
      state_(IsChunked(promised_) ? State::kChunkHeader : State::kPlain),
      max_bytes_(upload ? DeclaredBytes(call).value_or(0) : kMaxTextBytes),
      previous_signature_(SeedSignature(call)) {
  result_.upload = std::move(upload);
  // Without an upload, the checksum header does not describe the body: CompleteMultipartUpload sends the
  // object's checksum in it.
  if (!result_.upload) return;
  auto name = PromisedChecksum(call);
  if (name.empty()) name = checksum;
  checksum_ = StreamChecksum::Of(name);
  if (!checksum_) return;
  result_.checksum = Header{name, ""};
  if (const auto value = call.FindHeader(name)) promised_checksum_ = Header{name, *value};
}

std::optional<Reply> BodyReceiver::Store(std::string_view bytes) {
  if (bytes.size() > max_bytes_ - result_.size_bytes) {
    return result_.upload ? ErrorReply(400, "IncompleteBody", "The body is longer than it was declared.")
                          : ErrorReply(400, "MaxMessageLengthExceeded", "Your request was too big.");
  }
  result_.size_bytes += bytes.size();
  md5_.Update(bytes);
  sha256_.Update(bytes);
  if (checksum_) checksum_->Update(bytes);
  if (result_.upload) {
    result_.upload->Write(bytes);
  } else {
    result_.text.append(bytes);
  }
  return std::nullopt;
}

std::optional<Reply> BodyReceiver::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::kPlain: return Store(bytes);
      case State::kChunkData: {
        const auto piece = bytes.substr(0, chunk_left_);
        if (auto refusal = Store(piece)) return refusal;
        if (chunk_hash_) chunk_hash_->Update(piece);
        chunk_left_ -= piece.size();
        bytes.remove_prefix(piece.size());
        if (chunk_left_ == 0) state_ = State::kChunkEnd;
        break;
      }
      case State::kDone: return Malformed("There are bytes after the last chunk.");
      default: {
        const char c = bytes.front();
        bytes.remove_prefix(1);
        if (line_.size() > kMaxLineBytes) return Malformed("A line of the chunked body is too long.");
        if (c != '\n') {
          line_ += c;
          break;
        }
        if (line_.ends_with('\r')) line_.pop_back();
        if (auto refusal = TakeLine(std::exchange(line_, ""))) return refusal;
      }
    }
  }
  return std::nullopt;
}

std::optional<Reply> BodyReceiver::TakeLine(const std::string& line) {
  if (state_ == State::kChunkHeader) return BeginChunk(line);
  if (state_ == State::kChunkEnd) {
    if (!line.empty()) return Malformed("A chunk does not end where its size says.");
    return EndChunk();
  }
  if (line.empty()) return EndTrailers();
  constexpr std::string_view kSignature = "x-amz-trailer-signature:";
  if (line.starts_with(kSignature)) {
    trailer_signature_ = line.substr(kSignature.size());
    return std::nullopt;
  }
  const auto colon = line.find(':');
  if (!line.starts_with(kChecksumPrefix) || colon == std::string::npos)
    return Malformed("A trailer is not an x-amz-checksum-* header.");
  if (trailers_.size() + line.size() > kMaxLineBytes) return Malformed("The trailers are too long.");
  promised_checksum_ = Header{line.substr(0, colon), line.substr(colon + 1)};
  trailers_ += line + "\n";
  return std::nullopt;
}

// "SIZE-IN-HEX[;chunk-signature=64-HEX-DIGITS]"
std::optional<Reply> BodyReceiver::BeginChunk(const std::string& line) {
  const auto semicolon = std::min(line.find(';'), line.size());
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + semicolon, size, 16);
  if (error != std::errc() || end != line.data() + semicolon || size > kMaxPutBytes) {
    return Malformed("A chunk's size is not valid.");
  }
  constexpr std::string_view kExtension = ";chunk-signature=";
  const auto extension = std::string_view(line).substr(semicolon);
  if (chunks_are_signed_ != extension.starts_with(kExtension))
    return Malformed("A chunk's signature is missing.");
  chunk_signature_ = chunks_are_signed_ ? extension.substr(kExtension.size()) : "";
  if (chunks_are_signed_) chunk_hash_.emplace(Digest::Kind::kSha256);
  chunk_bytes_ = chunk_left_ = size;
  state_ = size > 0 ? State::kChunkData : State::kChunkEnd;
  return size > 0 ? std::nullopt : EndChunk();
}

std::optional<Reply> BodyReceiver::EndChunk() {
  if (chunks_are_signed_) {
    const auto expected =
        ExpectedChunkSignature(call_, options_, previous_signature_, HexEncode(chunk_hash_->Finish()));
    if (!IsEqual(expected, chunk_signature_)) {
      return ErrorReply(403, "SignatureDoesNotMatch", "A chunk's signature does not match.");
    }
    previous_signature_ = expected;
  }
  // The empty chunk is the last one. Optional trailers and an empty line follow it.
  state_ = chunk_bytes_ == 0 ? State::kTrailer : State::kChunkHeader;
  return std::nullopt;
}

std::optional<Reply> BodyReceiver::EndTrailers() {
  state_ = State::kDone;
  if (promised_ != kSignedChunksTrailer) return std::nullopt;
  if (!IsEqual(ExpectedTrailerSignature(call_, options_, previous_signature_, trailers_),
               trailer_signature_)) {
    return ErrorReply(403, "SignatureDoesNotMatch", "The trailers' signature does not match.");
  }
  return std::nullopt;
}

std::optional<Reply> BodyReceiver::Finish() {
  if (state_ != State::kPlain && state_ != State::kDone) {
    return ErrorReply(400, "IncompleteBody", "The chunked body ended too early.");
  }
  const auto decoded = call_.FindHeader("x-amz-decoded-content-length");
  if (state_ == State::kDone && decoded != std::to_string(result_.size_bytes)) {
    return ErrorReply(400, "IncompleteBody",
                      "The decoded body's length is not x-amz-decoded-content-length.");
  }
  result_.md5 = md5_.Finish();
  result_.sha256 = sha256_.Finish();
  if (HexDecode(promised_).value_or("").size() == 32 && promised_ != HexEncode(result_.sha256)) {
    return ErrorReply(400, "XAmzContentSHA256Mismatch",
                      "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  const auto md5 = call_.FindHeader("content-md5");
  if (md5 && Base64Decode(*md5) != result_.md5) return BadDigest("The Content-MD5 you specified");
  return CompareChecksum();
}

std::optional<Reply> BodyReceiver::CompareChecksum() {
  if (!checksum_) return std::nullopt;
  result_.checksum->value = checksum_->Finish();
  if (call_.FindHeader("x-amz-trailer") && !promised_checksum_) {
    return ErrorReply(400, "MalformedTrailerError", "The trailer that x-amz-trailer names is missing.");
  }
  if (promised_checksum_ && (promised_checksum_->name != result_.checksum->name ||
                             promised_checksum_->value != result_.checksum->value)) {
    return BadDigest("The " + promised_checksum_->name + " you specified");
  }
  return std::nullopt;
}

}  // namespace s3::endpoint
