#include "s3/endpoint/call.h"

#include <fmt/format.h>

#include <algorithm>

#include "s3/base/text.h"

namespace s3::endpoint {
namespace {

// Returns true for "?delete" or "?delete=", with nothing else but the SDKs' x-id.
bool IsDeletion(const Call& call) {
  return std::all_of(call.query.begin(), call.query.end(),
                     [](const QueryParam& param) {
                       return (param.first == "delete" && param.second.empty()) || param.first == "x-id";
                     }) &&
         call.FindQuery("delete");
}

std::string_view BucketOperation(const Call& call) {
  const auto& method = call.method;
  if (call.bucket.empty()) return method == "GET" ? "ListBuckets" : "";
  if (method == "PUT" && call.query.empty()) return "CreateBucket";
  if (method == "DELETE" && call.query.empty()) return "DeleteBucket";
  if (method == "HEAD") return "HeadBucket";
  if (method == "POST") return IsDeletion(call) ? "DeleteObjects" : "";
  if (method != "GET") return "";
  if (call.FindQuery("location")) return "GetBucketLocation";
  if (call.FindQuery("uploads")) return "ListMultipartUploads";
  for (const auto& [name, value] : call.query) {
    // Returns no operation if the query names a sub-resource (acl, versioning ...), which is a name without a
    // value. Parameters of listings have values.
    if (value.empty() && name != "prefix" && name != "delimiter" && name != "marker") return "";
  }
  return call.FindQuery("list-type") == "2" ? "ListObjectsV2" : "ListObjects";
}

// The sub-resources that a query selects. The parameters of the signature and the SDKs' x-id are ignored.
struct SubResource {
  bool uploads = false, upload_id = false, part_number = false, tagging = false, other = false;
};

SubResource ReadSubResource(const Call& call) {
  SubResource sub;
  for (const auto& [name, value] : call.query) {
    if (name.starts_with("X-Amz-") || name == "x-id") continue;
    if (name == "uploads") {
      sub.uploads = true;
    } else if (name == "uploadId") {
      sub.upload_id = true;
    } else if (name == "partNumber") {
      sub.part_number = true;
    } else if (name == "tagging") {
      sub.tagging = true;
    } else if (name != "part-number-marker" && name != "max-parts") {
      sub.other = true;
    }
  }
  return sub;
}

std::string_view ObjectOperation(const Call& call) {
  const auto sub = ReadSubResource(call);
  const auto& method = call.method;
  if (sub.other) return "";
  if (call.FindHeader("x-amz-copy-source")) {
    const bool is_copy =
        method == "PUT" && !sub.upload_id && !sub.part_number && !sub.tagging && !sub.uploads;
    return is_copy ? "CopyObject" : "";  // not UploadPartCopy
  }
  if (sub.uploads) return method == "POST" ? "CreateMultipartUpload" : "";
  if (sub.tagging) return method == "GET" ? "GetObjectTagging" : method == "PUT" ? "PutObjectTagging" : "";
  if (sub.upload_id && sub.part_number) return method == "PUT" ? "UploadPart" : "";
  if (sub.upload_id) {
    if (method == "POST") return "CompleteMultipartUpload";
    if (method == "DELETE") return "AbortMultipartUpload";
    return method == "GET" ? "ListParts" : "";
  }
  if (sub.part_number) return "";
  if (method == "PUT") return "PutObject";
  if (method == "GET") return "GetObject";
  if (method == "HEAD") return "HeadObject";
  if (method == "DELETE") return "DeleteObject";
  return "";
}

// Returns the bucket of "BUCKET.DOMAIN:PORT"; nothing if the host has another form.
std::optional<std::string> BucketOfHost(const Call& call, std::string_view domain) {
  auto host = LowerCase(call.FindHeader("host").value_or(""));
  host.erase(std::min(host.find(':'), host.size()));
  if (domain.empty() || !host.ends_with(fmt::format(".{}", domain))) return std::nullopt;
  return host.substr(0, host.size() - domain.size() - 1);
}

}  // namespace

std::optional<std::string> Call::FindHeader(std::string_view name) const {
  for (const auto& header : headers) {
    if (header.name == name) return header.value;
  }
  return std::nullopt;
}

std::optional<std::string> Call::FindQuery(std::string_view name) const {
  for (const auto& [key_name, value] : query) {
    if (key_name == name) return value;
  }
  return std::nullopt;
}

bool ParseTarget(Call* call, std::string_view domain) {
  std::string_view target = call->target;
  const auto mark = target.find('?');
  call->raw_path = target.substr(0, mark);
  std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto name = UriDecode(pair.substr(0, equals));
    const auto value = UriDecode(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    if (!name || !value) return false;
    call->query.emplace_back(*name, *value);
  }
  std::string_view path = call->raw_path;
  if (!path.starts_with('/')) return false;
  path.remove_prefix(1);
  auto bucket = BucketOfHost(*call, domain);
  if (!bucket) {
    const auto slash = path.find('/');
    bucket = UriDecode(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  const auto key = UriDecode(path);
  if (!bucket || !key) return false;
  call->bucket = *bucket;
  call->key = *key;
  call->operation = call->key.empty() ? BucketOperation(*call) : ObjectOperation(*call);
  return true;
}

Reply XmlReply(std::string body) {
  Reply reply;
  reply.headers.push_back({"content-type", "application/xml"});
  reply.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + std::move(body);
  return reply;
}

Reply ErrorReply(int status, std::string_view code, std::string_view message) {
  auto reply = XmlReply(fmt::format("<Error><Code>{}</Code><Message>{}</Message></Error>", code, message));
  reply.status = status;
  return reply;
}

Reply NoSuchBucket() { return ErrorReply(404, "NoSuchBucket", "The specified bucket does not exist"); }

Reply NoSuchKey() { return ErrorReply(404, "NoSuchKey", "The specified key does not exist."); }

}  // namespace s3::endpoint
