// Whether what was read of a file is one version of it. Where times do not say, all is read a second time.
// When both readings agree in every byte, the file had that content at the moment between them, however it
// changed before and afterwards; only a byte that changed and changed back in between goes unnoticed.
#include "pipeline/fs/io_retry.h"
#include "pipeline/upload/upload.h"
#include "s3/hash/hash.h"

namespace pipeline {

// Of what an earlier session sent, of what would be sent now, and of what is read again: the strongest digest
// that there is.
std::string Uploader::PartDigest(const s3::Payload& payload) {
  if (!payload.sha256.empty()) return "sha256:" + payload.sha256;
  if (!payload.checksum.empty()) return "checksum:" + payload.checksum;
  return "md5:" + s3::HexEncode(s3::AsBytes(s3::Md5(payload.bytes)));
}

// Of an object of one request, before it is sent. Leaves the same bytes in `room`.
s3::Result<void> Uploader::CheckPayload(const Object& object, std::uint64_t offset, std::span<char> room,
                                        const s3::Payload& payload) const {
  const auto moved = object.source.MayHaveChanged();
  if (!moved) return tl::unexpected(moved.error());
  return *moved ? ReadsStill(object, offset, room, PartDigest(payload)) : s3::Result<void>();
}

// Of all parts that were sent, when none is being sent any more. Holds the memory of one part.
s3::Result<void> Uploader::CheckParts(const Object& object) const {
  const auto moved = object.source.MayHaveChanged();
  if (!moved) return tl::unexpected(moved.error());
  if (!*moved) return {};
  for (const auto& part : object.parts()) {
    if (context_.stop.stop_requested()) {
      return s3::Fail(s3::ErrorKind::kCancelled,
                      "the run was stopped while this file was read a second time");
    }
    const auto range = object.plan().Range(part.number);
    const auto buffer = context_.buffers->Take(range.bytes, context_.waiter);
    const auto& digest = object.digest_of(part.number);
    const auto same =
        RetryIo([&] { return ReadsStill(object, range.offset, buffer.bytes(), digest); }, context_.pause);
    if (!same) return same;
  }
  return {};
}

// Of `room`.size() bytes from `offset`, which had that digest. Reads them only when they may have changed.
s3::Result<void> Uploader::ReadsStill(const Object& object, std::uint64_t offset, std::span<char> room,
                                      const std::string& digest) const {
  const auto moved = object.source.MayHaveChanged();
  if (!moved) return tl::unexpected(moved.error());
  if (!*moved) return {};
  const auto payload = ReadPayload(object, offset, room);
  if (!payload) return tl::unexpected(payload.error());
  if (PartDigest(*payload) == digest) return {};
  return s3::Fail(
      s3::ErrorKind::kChanged,
      "changed while it was read: its content is another, though its size and mtime are the same");
}

}  // namespace pipeline
