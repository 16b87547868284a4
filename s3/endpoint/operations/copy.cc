#include "s3/endpoint/operations/copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "s3/base/text.h"
#include "s3/endpoint/operations/conditions.h"
#include "s3/endpoint/operations/listing.h"
#include "s3/endpoint/operations/properties.h"
#include "s3/endpoint/storage/checksums.h"

namespace s3::endpoint {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{5} << 30;
constexpr std::string_view kCopySource = "x-amz-copy-source-";
constexpr std::string_view kEncryption = "x-amz-server-side-encryption";

struct Source {
  std::string bucket, key;
};

// Parses "BUCKET/KEY" or "/BUCKET/KEY", percent-encoded. Returns nothing for a text of another form.
std::optional<Source> ParseSource(std::string_view text) {
  if (text.starts_with('/')) text.remove_prefix(1);
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) return std::nullopt;
  auto bucket = UriDecode(text.substr(0, slash));
  auto key = UriDecode(text.substr(slash + 1));
  if (!bucket || !key) return std::nullopt;
  return Source{std::move(*bucket), std::move(*key)};
}

bool Replaces(const Call& call, std::string_view directive) {
  return call.FindHeader(directive) == "REPLACE";
}

// A copy of an object to itself must change something.
bool ChangesNothing(const Call& call) {
  if (Replaces(call, "x-amz-metadata-directive") || call.FindHeader("x-amz-storage-class") ||
      call.FindHeader("x-amz-website-redirect-location")) {
    return false;
  }
  return std::none_of(call.headers.begin(), call.headers.end(),
                      [](const Header& header) { return header.name.starts_with(kEncryption); });
}

// Storage class, encryption, redirect and locks belong to the request for the copy, never to its source.
bool IsCopied(std::string_view name) {
  return name.starts_with("x-amz-meta-") || !name.starts_with("x-amz-");
}

ObjectInfo Describe(const Call& call, const ObjectInfo& source) {
  ObjectInfo info;
  KeepProperties(call, &info);
  if (!Replaces(call, "x-amz-metadata-directive")) {
    std::erase_if(info.headers, [](const Header& header) { return IsCopied(header.name); });
    std::copy_if(source.headers.begin(), source.headers.end(), std::back_inserter(info.headers),
                 [](const Header& header) { return IsCopied(header.name); });
  }
  if (!Replaces(call, "x-amz-tagging-directive")) info.tagging = source.tagging;
  info.size_bytes = source.size_bytes;
  info.last_modified = std::time(nullptr);
  return info;
}

// Returns the name of the checksum that the copy gets: the one that the request names, or the source's.
std::string ChecksumHeader(const Call& call, const ObjectInfo& source) {
  if (const auto name = call.FindHeader("x-amz-checksum-algorithm"))
    return LowerCase("x-amz-checksum-" + *name);
  return source.checksum.empty() ? "" : source.checksum[0].name;
}

std::shared_ptr<const ObjectData> CopyBytes(Store* store, const ObjectData& data,
                                            std::optional<StreamChecksum>* checksum, ObjectInfo* info) {
  constexpr std::size_t kBlockBytes = 1 << 20;
  Digest md5(Digest::Kind::kMd5), sha256(Digest::Kind::kSha256);
  const auto upload = store->NewUpload();
  for (std::uint64_t done = 0; done < info->size_bytes;) {
    const auto bytes = data.Read(done, std::min<std::uint64_t>(kBlockBytes, info->size_bytes - done));
    if (bytes.empty()) throw std::runtime_error("the data of the copy's source is incomplete");
    done += bytes.size();
    md5.Update(bytes);
    sha256.Update(bytes);
    if (*checksum) (*checksum)->Update(bytes);
    upload->Write(bytes);
  }
  info->etag = HexEncode(md5.Finish());
  info->sha256 = HexEncode(sha256.Finish());
  return upload->Finish();
}

std::optional<Reply> RequestProblem(const Call& call) {
  for (const auto* name : {"x-amz-metadata-directive", "x-amz-tagging-directive"}) {
    const auto directive = call.FindHeader(name);
    if (!directive || directive == "COPY" || directive == "REPLACE") continue;
    return ErrorReply(400, "InvalidArgument", fmt::format("Unknown {}", name));
  }
  const auto algorithm = call.FindHeader("x-amz-checksum-algorithm");
  if (!algorithm || StreamChecksum::Of(LowerCase("x-amz-checksum-" + *algorithm))) return std::nullopt;
  return ErrorReply(400, "InvalidRequest", "This endpoint does not support this checksum algorithm");
}

std::optional<Reply> SourceProblem(const Call& call, const Source& source, const ObjectInfo& info) {
  if (UnmetCondition(call, kCopySource, info) != Unmet::kNothing) return PreconditionFailed();
  if (info.size_bytes > kMaxBytes) {
    return ErrorReply(
        400, "InvalidRequest",
        "The specified copy source is larger than the maximum allowable size for a copy source: "
        "5368709120");
  }
  if (source.bucket == call.bucket && source.key == call.key && ChangesNothing(call)) {
    return ErrorReply(
        400, "InvalidRequest",
        "This copy request is illegal because it is trying to copy an object to itself without "
        "changing the object's metadata, storage class, website redirect location or encryption "
        "attributes.");
  }
  // The customer's key of the source has a header of its own.
  Call reads;
  const auto key = call.FindHeader("x-amz-copy-source-server-side-encryption-customer-key-md5");
  if (key) reads.headers.push_back({"x-amz-server-side-encryption-customer-key-md5", *key});
  return CustomerKeyProblem(reads, info);
}

}  // namespace

Reply CopyObject(Store* store, const Call& call, const ServerOptions& options) {
  const auto text = call.FindHeader("x-amz-copy-source").value_or("");
  if (text.find('?') != std::string::npos) {
    return ErrorReply(501, "NotImplemented", "This endpoint has no versions");
  }
  const auto source = ParseSource(text);
  if (!source) {
    return ErrorReply(400, "InvalidArgument",
                      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  }
  if (auto problem = RequestProblem(call)) return *problem;
  if (!store->HasBucket(source->bucket)) return NoSuchBucket();
  const auto [from, data] = store->Open(source->bucket, source->key);
  if (!from) return NoSuchKey();
  if (auto problem = SourceProblem(call, *source, *from)) return *problem;
  if (!data)
    return ErrorReply(501, "NotImplemented", "This endpoint discards all data, so objects cannot be copied");

  auto info = Describe(call, *from);
  const auto checksum_header = ChecksumHeader(call, *from);
  auto checksum = StreamChecksum::Of(checksum_header);
  const std::vector<StoredBytes> whole{{CopyBytes(store, *data, &checksum, &info), info.size_bytes}};
  if (checksum) {
    info.checksum = {{checksum_header, checksum->Finish()}, {"x-amz-checksum-type", "FULL_OBJECT"}};
  }
  auto reply = XmlReply(fmt::format(
      "<CopyObjectResult><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag>{}</CopyObjectResult>",
      IsoDate(info.last_modified), info.etag, ChecksumElement(info)));
  const auto encryption = EncryptionHeaders(info);
  reply.headers.insert(reply.headers.end(), encryption.begin(), encryption.end());
  const auto committed = store->Commit(whole, call.bucket, call.key, info, WriteConditionOf(call, options));
  return committed == Store::Committed::kYes ? reply : CommitRefusal(committed);
}

}  // namespace s3::endpoint
