#include "pipeline/upload/skip.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "pipeline/upload/property_rules.h"
#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"
#include "s3/http.h"

namespace pipeline {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;

void IgnoreRetry(const s3::RetryEvent&) {}

// Adds advice to an "access denied" error: the missing permission, and the settings that need no such
// permission. Credentials that may only write are common.
s3::Error WithAdvice(s3::Error error, std::string_view permission) {
  if (s3::CannotBeRead(error)) {
    error.message = fmt::format(
        "{} (allow the credentials {}, or set resume.skip to journal or never, which need no read "
        "permission)",
        error.message, permission);
  }
  return error;
}

// Returns the response to HeadObject, or nothing when there is no such object.
s3::Result<std::optional<s3::Response>> Head(const Object& object, s3::Client* client) {
  auto head = client->HeadObject({object.file().key, &object.properties}, IgnoreRetry);
  if (head.response) return std::optional(std::move(*head.response));
  auto& error = head.response.error();
  if (error.http_status == 404) return std::optional<s3::Response>();
  error.message = "resume.skip: HeadObject could not read the existing object: " + error.message;
  return tl::unexpected(WithAdvice(std::move(error), "s3:GetObject and s3:ListBucket"));
}

// Reads the bytes of one range and passes them to `use`, piece by piece.
template <typename Use>
s3::Result<void> ReadRange(const Object& object, const s3::PartRange& range, std::span<char> chunk,
                           const Use& use) {
  for (std::uint64_t done = 0; done < range.bytes;) {
    const auto piece = chunk.first(std::min<std::uint64_t>(chunk.size(), range.bytes - done));
    if (auto read = object.source.Read(range.offset + done, piece); !read) return read;
    use(std::string_view(piece.data(), piece.size()));
    done += piece.size();
  }
  return {};
}

// Computes the ETag that the file, cut into the planned parts, would get from a store whose ETags are MD5s.
s3::Result<Md5ETag> ComputeETag(const Object& object, std::span<char> chunk) {
  const auto& plan = object.plan();
  std::string md5s;
  for (int number = 1; number <= plan.requests(); ++number) {
    s3::Digest md5(s3::Digest::Kind::kMd5);
    const auto read =
        ReadRange(object, plan.Range(number), chunk, [&](std::string_view piece) { md5.Update(piece); });
    if (!read) return tl::unexpected(read.error());
    md5s += md5.Finish();
  }
  const auto parts = static_cast<std::uint32_t>(plan.parts);
  const auto hex = s3::HexEncode(plan.is_multipart() ? s3::AsBytes(s3::Md5(md5s)) : std::string_view(md5s));
  return ParseMd5ETag(parts > 0 ? hex + "-" + std::to_string(parts) : hex).value();
}

// Returns true when the response has a checksum of the whole object that is equal to the file's.
s3::Result<bool> IsSameByChecksum(const Object& object, const s3::Response& head, std::span<char> chunk) {
  const s3::PartRange all{0, object.plan().size_bytes};
  const auto& headers = head.headers;
  if (const auto sent = headers.Find("x-amz-checksum-crc64nvme")) {
    std::uint64_t crc = 0;
    const auto read =
        ReadRange(object, all, chunk, [&](std::string_view piece) { crc = s3::Crc64Nvme(piece, crc); });
    if (!read) return tl::unexpected(read.error());
    return *sent == s3::CrcText(crc);
  }
  const bool whole = headers.Find("x-amz-checksum-type").value_or("FULL_OBJECT") == "FULL_OBJECT";
  if (const auto sent = headers.Find("x-amz-checksum-crc32c"); sent && whole) {
    std::uint32_t crc = 0;
    const auto read =
        ReadRange(object, all, chunk, [&](std::string_view piece) { crc = s3::Crc32c(piece, crc); });
    if (!read) return tl::unexpected(read.error());
    return *sent == s3::CrcText(crc);
  }
  if (const auto sent = headers.Find("x-amz-checksum-sha256"); sent && whole) {
    s3::Digest hash(s3::Digest::Kind::kSha256);
    const auto read = ReadRange(object, all, chunk, [&](std::string_view piece) { hash.Update(piece); });
    if (!read) return tl::unexpected(read.error());
    return *sent == s3::Base64Encode(hash.Finish());
  }
  return false;
}

}  // namespace

s3::Result<std::unique_ptr<SkipCheck>> SkipCheck::Prepare(SkipMode mode, bool posix,
                                                          std::string_view key_prefix,
                                                          const std::function<bool()>& one_more,
                                                          s3::Client* client) {
  if (mode != SkipMode::kSizeMtime && mode != SkipMode::kChecksum) return std::unique_ptr<SkipCheck>();
  std::unique_ptr<SkipCheck> check(new SkipCheck(mode));
  if (mode == SkipMode::kSizeMtime && posix) return check;
  auto listed = std::make_unique<ExistingObjects>(mode == SkipMode::kChecksum);
  std::uint64_t found = 0;
  const auto cheaper = [&](std::uint64_t pages) {
    while (found <= pages && one_more()) ++found;
    return found > pages;
  };
  const auto ended = listed->List(client, key_prefix, cheaper);
  if (!ended) return tl::unexpected(WithAdvice(ended.error(), "s3:ListBucket"));
  check->pages_ = listed->pages();
  if (*ended) check->listed_ = std::move(listed);
  return check;
}

s3::Result<std::optional<std::string>> SkipCheck::Find(const Object& object, s3::Client* client,
                                                       BufferPool* buffers, s3::Waiter* waiter) const {
  const bool by_time = mode_ == SkipMode::kSizeMtime;
  const auto same = by_time ? IsSameByTime(object, client) : IsSameByContent(object, client, buffers, waiter);
  if (!same) return tl::unexpected(same.error());
  if (!*same) return std::optional<std::string>();
  const char* const reason =
      by_time ? "the object has the same size and is up to date" : "the object has the same content";
  return std::optional<std::string>(reason);
}

s3::Result<bool> SkipCheck::IsSameByTime(const Object& object, s3::Client* client) const {
  const std::int64_t mtime_s = object.source.status().st_mtim.tv_sec;
  if (listed_) {
    const auto listed = listed_->Find(object.file().key);
    return listed && listed->size_bytes == object.plan().size_bytes && listed->modified_s > mtime_s;
  }
  const auto head = Head(object, client);
  if (!head) return tl::unexpected(head.error());
  if (!*head || s3::HasOtherSize(**head, object.plan().size_bytes)) return false;
  // The metadata that s3flow sets (SetPosixMetadata) has the exact mtime of the uploaded file.
  if (const auto mtime = (*head)->headers.Find("x-amz-meta-file-mtime")) {
    return *mtime == PosixTime(object.source.status().st_mtim);
  }
  if (!(*head)->content_length) return false;
  const auto modified = s3::ParseHttpDate((*head)->headers.Find("last-modified").value_or(""));
  return modified && modified->time_since_epoch().count() > mtime_s;
}

// Compares the sizes first, then the file's MD5s with the ETag, then the file's checksum with that in the
// response to HeadObject. Reads the file up to twice.
s3::Result<bool> SkipCheck::IsSameByContent(const Object& object, s3::Client* client, BufferPool* buffers,
                                            s3::Waiter* waiter) const {
  const auto& plan = object.plan();
  std::optional<Md5ETag> etag;
  std::optional<s3::Response> head;
  if (listed_) {
    const auto listed = listed_->Find(object.file().key);
    if (!listed || listed->size_bytes != plan.size_bytes) return false;
    etag = listed->etag;
  } else {
    auto response = Head(object, client);
    if (!response) return tl::unexpected(response.error());
    head = std::move(*response);
    if (!head || s3::HasOtherSize(*head, plan.size_bytes)) return false;
    etag = ParseMd5ETag(head->etag);
  }
  const auto chunk_bytes = std::clamp<std::uint64_t>(plan.size_bytes, 1, kChunkBytes);
  const auto buffer = buffers->Take(chunk_bytes, waiter);
  if (etag && etag->parts == static_cast<std::uint32_t>(plan.parts)) {
    const auto computed = ComputeETag(object, buffer.bytes());
    if (!computed) return tl::unexpected(computed.error());
    if (*computed == *etag) return true;
  }
  // A different ETag does not prove different content. With SSE-KMS an ETag of that form is no MD5, and the
  // object may have been uploaded in parts of another size.
  if (!head) {
    auto response = Head(object, client);
    if (!response) return tl::unexpected(response.error());
    head = std::move(*response);
  }
  if (!head || s3::HasOtherSize(*head, plan.size_bytes)) return false;
  return IsSameByChecksum(object, *head, buffer.bytes());
}

}  // namespace pipeline
