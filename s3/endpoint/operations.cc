#include "s3/endpoint/operations.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <ctime>

#include "s3/endpoint/listing.h"
#include "s3/endpoint/verify.h"

namespace s3::endpoint {
namespace {

constexpr std::uint64_t kMaxPutBytes = 5ull << 30;

Reply NoSuchBucket() { return ErrorReply(404, "NoSuchBucket", "The specified bucket does not exist"); }

Reply NoSuchKey() { return ErrorReply(404, "NoSuchKey", "The specified key does not exist."); }

std::string HttpDate(std::int64_t seconds) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

bool IsKeptHeader(std::string_view name) {
  return name.starts_with("x-amz-meta-") || name == "content-type" || name == "cache-control" ||
         name == "content-disposition" || name == "content-encoding" || name == "content-language" ||
         name == "expires" || name == "x-amz-storage-class";
}

void DescribeObject(const ObjectInfo& info, Reply* reply) {
  reply->headers = info.headers;
  reply->headers.push_back({"etag", "\"" + info.etag + "\""});
  reply->headers.push_back({"last-modified", HttpDate(info.last_modified)});
  reply->headers.push_back({"accept-ranges", "bytes"});
  reply->content_length = info.size_bytes;
}

// "bytes=A-B", "bytes=A-" and "bytes=-N"; nothing for what is no such range.
std::optional<std::pair<std::uint64_t, std::uint64_t>> ParseRange(std::string_view text, std::uint64_t size) {
  if (!text.starts_with("bytes=") || size == 0) return std::nullopt;
  text.remove_prefix(6);
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const auto first = number(text.substr(0, dash)), last = number(text.substr(dash + 1));
  if (!first && !last) return std::nullopt;
  if (!first) return std::pair(size - std::min(*last, size), size - 1);
  if (*first >= size) return std::nullopt;
  return std::pair(*first, std::min(last.value_or(size - 1), size - 1));
}

Reply GetObject(const Store& store, const Call& call, const ObjectInfo& info) {
  Reply reply;
  DescribeObject(info, &reply);
  reply.data = store.Get(call.bucket, call.key);
  if (!reply.data) {
    return ErrorReply(501, "NotImplemented", "This endpoint discards what it receives");
  }
  if (const auto text = call.FindHeader("range")) {
    const auto range = ParseRange(*text, info.size_bytes);
    if (!range) return ErrorReply(416, "InvalidRange", "The requested range is not satisfiable");
    reply.status = 206;
    reply.data_offset = range->first;
    reply.content_length = range->second - range->first + 1;
    reply.headers.push_back(
        {"content-range", fmt::format("bytes {}-{}/{}", range->first, range->second, info.size_bytes)});
  }
  return reply;
}

Reply OnBucket(Store* store, const Call& call, const ServerOptions& options) {
  const auto& operation = call.operation;
  if (operation == "CreateBucket") {
    if (const auto problem = BucketNameProblem(call.bucket)) {
      return ErrorReply(400, "InvalidBucketName", XmlEscape(*problem));
    }
    if (!store->CreateBucket(call.bucket)) {
      return ErrorReply(409, "BucketAlreadyOwnedByYou",
                        "Your previous request to create the bucket succeeded");
    }
    return {};
  }
  if (!store->HasBucket(call.bucket)) return NoSuchBucket();
  if (operation == "ListObjects" || operation == "ListObjectsV2") return ListObjects(*store, call);
  if (operation == "GetBucketLocation") {
    Reply reply;
    reply.headers.push_back({"content-type", "application/xml"});
    // us-east-1 is spelled as the empty constraint.
    reply.body =
        fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint>{}</LocationConstraint>",
                    options.region == "us-east-1" ? "" : options.region);
    return reply;
  }
  Reply reply;
  if (operation == "DeleteBucket") {
    if (store->DeleteBucket(call.bucket) == Store::Deleted::kNotEmpty) {
      return ErrorReply(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
    }
    reply.status = 204;
  }
  return reply;
}

}  // namespace

std::optional<Reply> CheckPutObjectHeaders(const Store& store, const Call& call) {
  if (!store.HasBucket(call.bucket)) return NoSuchBucket();
  if (call.key.size() > 1024) return ErrorReply(400, "KeyTooLongError", "Your key is too long");
  const auto length = call.FindHeader("content-length");
  if (!length)
    return ErrorReply(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  std::uint64_t bytes = 0;
  std::from_chars(length->data(), length->data() + length->size(), bytes);
  if (bytes > kMaxPutBytes) {
    return ErrorReply(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  }
  const auto hash = PromisedPayloadHash(call);
  if (hash != kUnsignedPayload && hash.size() != 64) {
    return ErrorReply(501, "NotImplemented", "x-amz-content-sha256 must be a SHA-256 or UNSIGNED-PAYLOAD");
  }
  const auto md5 = call.FindHeader("content-md5");
  if (md5 && Base64Decode(*md5).value_or("").size() != 16) {
    return ErrorReply(400, "InvalidDigest", "The Content-MD5 you specified is not valid.");
  }
  return std::nullopt;
}

Reply PutObject(Store* store, const Call& call, std::unique_ptr<Store::Upload> upload,
                const StreamHash::Digests& digests, std::uint64_t size_bytes) {
  const auto sha256 = HexEncode(AsBytes(digests.sha256));
  const auto promised = PromisedPayloadHash(call);
  if (promised != kUnsignedPayload && promised != sha256) {
    return ErrorReply(400, "XAmzContentSHA256Mismatch",
                      "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  const auto md5 = call.FindHeader("content-md5");
  if (md5 && Base64Decode(*md5) != AsBytes(digests.md5)) {
    return ErrorReply(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
  }
  ObjectInfo info{size_bytes, HexEncode(AsBytes(digests.md5)), sha256, std::time(nullptr), {}};
  for (const auto& header : call.headers) {
    if (IsKeptHeader(header.name)) info.headers.push_back(header);
  }
  Reply reply;
  reply.headers.push_back({"etag", "\"" + info.etag + "\""});
  if (!store->Commit(std::move(upload), call.bucket, call.key, std::move(info))) return NoSuchBucket();
  return reply;
}

Reply Answer(Store* store, const Call& call, const ServerOptions& options) {
  if (call.operation == "ListBuckets") return ListBuckets(*store);
  if (call.key.empty()) return OnBucket(store, call, options);
  if (!store->HasBucket(call.bucket)) return NoSuchBucket();
  if (call.operation == "DeleteObject") {
    store->DeleteObject(call.bucket, call.key);
    Reply reply;
    reply.status = 204;
    return reply;
  }
  const auto info = store->Head(call.bucket, call.key);
  if (!info) return NoSuchKey();
  if (call.operation == "GetObject") return GetObject(*store, call, *info);
  Reply reply;
  DescribeObject(*info, &reply);
  return reply;
}

}  // namespace s3::endpoint
