#include "s3/endpoint/operations/objects.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>

#include "s3/api/properties.h"
#include "s3/base/text.h"
#include "s3/endpoint/operations/conditions.h"
#include "s3/endpoint/operations/listing.h"
#include "s3/endpoint/operations/properties.h"
#include "s3/endpoint/verify.h"

namespace s3::endpoint {
namespace {

std::string HttpDate(std::int64_t seconds) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

void DescribeObject(const Call& call, const ObjectInfo& info, Reply* reply) {
  reply->headers = info.headers;
  // S3 repeats the context of the encryption only to the writer.
  std::erase_if(reply->headers,
                [](const Header& header) { return header.name == "x-amz-server-side-encryption-context"; });
  const bool has_type = std::any_of(info.headers.begin(), info.headers.end(),
                                    [](const Header& header) { return header.name == "content-type"; });
  if (!has_type) reply->headers.push_back({"content-type", "binary/octet-stream"});  // S3's default
  if (call.FindHeader("x-amz-checksum-mode") == "ENABLED") {
    reply->headers.insert(reply->headers.end(), info.checksum.begin(), info.checksum.end());
  }
  if (!info.tagging.empty()) {
    const auto count = std::count(info.tagging.begin(), info.tagging.end(), '&') + 1;
    reply->headers.push_back({"x-amz-tagging-count", fmt::format("{}", count)});
  }
  reply->headers.push_back({"etag", "\"" + info.etag + "\""});
  reply->headers.push_back({"last-modified", HttpDate(info.last_modified)});
  reply->headers.push_back({"accept-ranges", "bytes"});
  reply->content_length = info.size_bytes;
}

// Parses "bytes=A-B", "bytes=A-" and "bytes=-N" into first and last byte; returns nothing for anything else.
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

Reply GetObject(const Call& call, const ObjectInfo& info, std::shared_ptr<const ObjectData> data) {
  Reply reply;
  DescribeObject(call, info, &reply);
  reply.data = std::move(data);
  if (!reply.data) {
    return ErrorReply(501, "NotImplemented", "This endpoint discards all data, so objects cannot be read");
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
    // S3 represents us-east-1 as an empty constraint.
    return XmlReply(fmt::format("<LocationConstraint>{}</LocationConstraint>",
                                options.region == "us-east-1" ? "" : options.region));
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

std::optional<Reply> CheckWrite(const Store& store, const Call& call) {
  if (!store.HasBucket(call.bucket)) return NoSuchBucket();
  if (call.key.size() > 1024) return ErrorReply(400, "KeyTooLongError", "Your key is too long");
  if (auto problem = WriteConditionProblem(call)) return problem;
  return MetadataProblem(call);
}

Reply PutObject(Store* store, const Call& call, ReceivedBody body, const ServerOptions& options) {
  ObjectInfo info{body.size_bytes, HexEncode(body.md5), HexEncode(body.sha256), std::time(nullptr)};
  KeepProperties(call, &info);
  Reply reply;
  reply.headers = EncryptionHeaders(info);
  reply.headers.push_back({"etag", "\"" + info.etag + "\""});
  if (body.checksum) {
    reply.headers.push_back(*body.checksum);
    info.checksum = {*body.checksum, {"x-amz-checksum-type", "FULL_OBJECT"}};
  }
  const std::vector<StoredBytes> whole{{body.upload->Finish(), body.size_bytes}};
  const auto committed =
      store->Commit(whole, call.bucket, call.key, std::move(info), WriteConditionOf(call, options));
  return committed == Store::Committed::kYes ? reply : CommitRefusal(committed);
}

namespace {

Reply Tagging(const ObjectInfo& info) {
  std::string tags;
  for (const auto& [name, value] : ParseTagging(info.tagging)) {
    tags += fmt::format("<Tag><Key>{}</Key><Value>{}</Value></Tag>", XmlEscape(name), XmlEscape(value));
  }
  return XmlReply(fmt::format("<Tagging><TagSet>{}</TagSet></Tagging>", tags));
}

}  // namespace

Reply SetTagging(Store* store, const Call& call, const std::string& tagging) {
  return store->SetTagging(call.bucket, call.key, tagging) ? Reply{} : NoSuchKey();
}

Reply ExecuteWithoutBody(Store* store, const Call& call, const ServerOptions& options) {
  if (call.operation == "ListBuckets") return ListBuckets(*store);
  if (call.key.empty()) return OnBucket(store, call, options);
  if (!store->HasBucket(call.bucket)) return NoSuchBucket();
  if (call.operation == "DeleteObject") {
    if (auto problem = DeleteConditionProblem(call)) return *problem;
    store->DeleteObject(call.bucket, call.key);
    Reply reply;
    reply.status = 204;
    return reply;
  }
  auto [info, data] = store->Open(call.bucket, call.key);
  if (!info) return NoSuchKey();
  if (call.operation == "GetObjectTagging") return Tagging(*info);
  if (auto problem = CustomerKeyProblem(call, *info)) return *problem;
  if (auto reply = ReadConditionReply(call, *info)) return *reply;
  if (call.operation == "GetObject") return GetObject(call, *info, std::move(data));
  Reply reply;
  DescribeObject(call, *info, &reply);
  return reply;
}

}  // namespace s3::endpoint
