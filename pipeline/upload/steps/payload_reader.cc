#include "pipeline/upload/steps/payload_reader.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "pipeline/fs/io_retry.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

// Smaller objects are sent from memory: they fit into one send together with the request's head.
constexpr std::uint64_t kMinObjectFromFile = 256 << 10;

std::string_view AsText(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

std::string PartDigest(const s3::Payload& payload) {
  if (!payload.sha256.empty()) return "sha256:" + payload.sha256;
  if (!payload.checksum.empty()) return "checksum:" + payload.checksum;
  return "md5:" + s3::HexEncode(s3::AsBytes(s3::Md5(payload.bytes)));
}

// With sendfile, s3flow notices a change after hashing only when the bytes are already sent. That is in time
// for parts, which are checked before the completion, and for an object whose signed digest the store
// compares. An object with a condition is sent from memory: if it had to be sent again, its first version
// would already have the key. A file without change checks is sent from memory, too, so that the sent bytes
// are the digested ones.
bool PayloadReader::SendsFromFile(const Object& object) const {
  if (object.file().reading.change_check == ChangeCheck::kNone) return false;
  if (!object.source.stays_in_page_cache() || !context_.client->SendsFromFiles()) return false;
  if (object.plan().is_multipart()) return true;
  return object.plan().size_bytes >= kMinObjectFromFile && !s3::IsConditional(object.properties) &&
         context_.client->integrity().payload == s3::PayloadMode::kSha256;
}

s3::Result<s3::Payload> PayloadReader::Read(const Object& object, std::uint64_t offset,
                                            std::span<char> memory) const {
  const bool from_file = SendsFromFile(object);
  s3::PayloadDigests digests(context_.client->integrity());
  const auto piece_bytes = object.source.read_bytes(s3::PayloadDigests::kPieceBytes);
  std::size_t done = 0;
  const auto next = [&]() -> s3::Result<std::string_view> {
    const auto piece = memory.subspan(from_file ? 0 : done, std::min(piece_bytes, memory.size() - done));
    if (auto read = object.source.Read(offset + done, piece); !read) return tl::unexpected(read.error());
    done += piece.size();
    return AsText(piece);
  };
  // The system fetches the bytes while the task waits until its payload is digested together with others.
  // With O_DIRECT it can't, and the scheduler would read the payloads one after the other. So each task then
  // digests its own payload.
  const bool is_fetched = object.source.Prefetch(offset, memory.size());
  auto digested = is_fetched ? context_.digests->Digest(memory.size(), next, &digests)
                             : context_.digests->DigestAlone(memory.size(), next, &digests);
  if (!digested) return tl::unexpected(std::move(digested.error()));
  if (!from_file) return digests.Finish(AsText(memory));
  auto payload = digests.Finish(object.source.Range(offset, memory.size()), nullptr);
  payload.check_file = [this, &object, offset, memory, digest = PartDigest(payload)] {
    return CheckDigest(object, offset, memory, digest);
  };
  return payload;
}

s3::Payload PayloadReader::Digest(std::span<const char> bytes) const {
  s3::PayloadDigests digests(context_.client->integrity());
  auto left = AsText(bytes);
  const auto next = [&left]() -> s3::Result<std::string_view> {
    const auto piece = left.substr(0, s3::PayloadDigests::kPieceBytes);
    left.remove_prefix(piece.size());
    return piece;
  };
  (void)context_.digests->Digest(bytes.size(), next, &digests);  // `next` never fails
  return digests.Finish(AsText(bytes));
}

s3::Result<void> PayloadReader::CheckPayload(const Object& object, std::uint64_t offset,
                                             std::span<char> memory, const s3::Payload& payload) const {
  const auto may_have_changed = object.source.MayHaveChanged();
  if (!may_have_changed) return tl::unexpected(may_have_changed.error());
  if (!*may_have_changed) return {};
  return CheckDigest(object, offset, memory, PartDigest(payload));
}

s3::Result<void> PayloadReader::CheckParts(const Object& object) const {
  const auto may_have_changed = object.source.MayHaveChanged();
  if (!may_have_changed) return tl::unexpected(may_have_changed.error());
  if (!*may_have_changed) return {};
  for (const auto& part : object.parts()) {
    if (context_.stop.stop_requested()) {
      return s3::Fail(s3::ErrorKind::kCancelled,
                      "the run was stopped while this file was read a second time");
    }
    const auto range = object.plan().Range(part.number);
    const auto buffer = context_.buffers->Take(range.bytes, context_.waiter);
    const auto& digest = object.digest_of(part.number);
    auto same =
        RetryIo([&] { return CheckDigest(object, range.offset, buffer.bytes(), digest); }, context_.pause);
    if (!same) return same;
  }
  return {};
}

// Fails with kChanged unless memory.size() bytes from `offset` have this digest. Reads the bytes only if the
// file may have changed.
s3::Result<void> PayloadReader::CheckDigest(const Object& object, std::uint64_t offset,
                                            std::span<char> memory, const std::string& digest) const {
  const auto may_have_changed = object.source.MayHaveChanged();
  if (!may_have_changed) return tl::unexpected(may_have_changed.error());
  if (!*may_have_changed) return {};
  const auto payload = Read(object, offset, memory);
  if (!payload) return tl::unexpected(payload.error());
  if (PartDigest(*payload) == digest) return {};
  return s3::Fail(
      s3::ErrorKind::kChanged,
      "changed while it was read: its content is different, though its size and mtime are the same");
}

}  // namespace pipeline
