#include "s3/endpoint/call.h"

#include <fmt/format.h>

namespace s3::endpoint {
namespace {

std::string_view BucketOperation(const Call& call) {
  const auto& method = call.method;
  if (call.bucket.empty()) return method == "GET" ? "ListBuckets" : "";
  if (method == "PUT" && call.query.empty()) return "CreateBucket";
  if (method == "DELETE" && call.query.empty()) return "DeleteBucket";
  if (method == "HEAD") return "HeadBucket";
  if (method != "GET") return "";
  if (call.FindQuery("location")) return "GetBucketLocation";
  for (const auto& [name, value] : call.query) {
    // A sub-resource (acl, versioning, uploads...) has a name alone; listings have name=value.
    if (value.empty() && name != "prefix" && name != "delimiter" && name != "marker") return "";
  }
  return call.FindQuery("list-type") == "2" ? "ListObjectsV2" : "ListObjects";
}

std::string_view ObjectOperation(const Call& call) {
  for (const auto& [name, value] : call.query) {
    // Presigned requests carry X-Amz-*; SDKs name themselves with x-id. The rest is another operation.
    if (!name.starts_with("X-Amz-") && name != "x-id") return "";
  }
  if (call.method == "PUT") return call.FindHeader("x-amz-copy-source") ? "" : "PutObject";
  if (call.method == "GET") return "GetObject";
  if (call.method == "HEAD") return "HeadObject";
  if (call.method == "DELETE") return "DeleteObject";
  return "";
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

bool ParseTarget(Call* call) {
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
  const auto slash = path.find('/');
  const auto bucket = UriDecode(path.substr(0, slash));
  const auto key = UriDecode(slash == std::string_view::npos ? "" : path.substr(slash + 1));
  if (!bucket || !key) return false;
  call->bucket = *bucket;
  call->key = *key;
  call->operation = call->key.empty() ? BucketOperation(*call) : ObjectOperation(*call);
  return true;
}

Reply ErrorReply(int status, std::string_view code, std::string_view message) {
  Reply reply;
  reply.status = status;
  reply.headers.push_back({"content-type", "application/xml"});
  reply.body = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>", code,
      message);
  return reply;
}

}  // namespace s3::endpoint
