#include "s3/api/requests.h"

#include <fmt/format.h>

#include <algorithm>

#include "s3/api/etag.h"
#include "s3/base/text.h"
#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"

namespace s3 {
namespace {

HttpRequest ForKey(std::string_view method, const BucketAddress& bucket, std::string_view key,
                   RequestKind kind = RequestKind::kOther) {
  HttpRequest request;
  request.kind = kind;
  request.headers.reserve(12);
  request.method = method;
  request.endpoint = bucket.endpoint;
  request.path = bucket.path_root + UriEncode(key, true);
  return request;
}

// Adds each property of the object if `wanted` returns true for its header name.
template <typename Predicate>
void AddProperties(const ObjectTarget& target, const Predicate& wanted, HttpRequest* request) {
  if (target.properties == nullptr) return;
  for (const auto& header : target.properties->entries()) {
    if (!header.value.empty() && wanted(header.name)) request->headers.push_back(header);
  }
  const auto& key = target.properties->customer_key();
  if (!key.empty() && wanted(kCustomerKeyHeader)) {
    request->secret_headers.push_back({std::string(kCustomerKeyHeader), key});
  }
}

bool IsCondition(std::string_view name) { return name == "if-none-match"; }
bool IsCustomerKey(std::string_view name) { return name.starts_with(kCustomerKeyPrefix); }

void AddToken(std::string_view token, HttpRequest* request) {
  if (!token.empty()) request->headers.push_back({std::string(kTokenHeader), std::string(token)});
}

bool IsOptional(const HttpRequest& request, std::string_view name) {
  if (name == "x-amz-mp-object-size" || name == "x-amz-checksum-mode") return true;
  if (name != "x-amz-checksum-type") return false;
  return std::none_of(request.headers.begin(), request.headers.end(), [](const Header& header) {
    return header.name == "x-amz-checksum-crc32c" || header.value == "CRC32C";
  });
}

// The list of codes does not contain InvalidRequest, because S3 sends it for a wrong x-amz-mp-object-size.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
bool IsAboutHeaders(const Error& refusal) {
  if (refusal.kind != ErrorKind::kPermanent && refusal.kind != ErrorKind::kTransient) return false;
  if (refusal.http_status != 400 && refusal.http_status != 405 && refusal.http_status != 501) return false;
  for (const auto* code : {"", "InvalidArgument", "MethodNotAllowed", "NotImplemented"}) {
    if (refusal.code == code) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> SuspectHeaders(const HttpRequest& request, const Error& refusal) {
  std::vector<std::string> optional, named;
  if (!IsAboutHeaders(refusal)) return {};
  const auto message = LowerCase(refusal.message);
  for (const auto& header : request.headers) {
    if (!IsOptional(request, header.name)) continue;
    optional.push_back(header.name);
    if (message.find(header.name) != std::string::npos) named.push_back(header.name);
  }
  if (!named.empty()) return named;
  const bool names_another = message.find("x-amz-") != std::string::npos;
  return names_another ? std::vector<std::string>() : optional;
}

HttpRequest BuildPutObject(const BucketAddress& bucket, const ObjectTarget& target, std::string_view token) {
  auto request = ForKey("PUT", bucket, target.key, RequestKind::kPutObject);
  AddProperties(
      target, [](std::string_view) { return true; }, &request);
  AddToken(token, &request);
  return request;
}

HttpRequest BuildHeadBucket(const BucketAddress& bucket) { return ForKey("HEAD", bucket, ""); }

HttpRequest BuildHeadObject(const BucketAddress& bucket, const ObjectTarget& target, bool with_checksum) {
  auto request = ForKey("HEAD", bucket, target.key, RequestKind::kHeadObject);
  AddProperties(target, IsCustomerKey, &request);
  if (with_checksum) request.headers.push_back({"x-amz-checksum-mode", "ENABLED"});
  return request;
}

HttpRequest BuildDeleteObject(const BucketAddress& bucket, const ObjectTarget& target,
                              std::string_view version_id) {
  auto request = ForKey("DELETE", bucket, target.key);
  if (!version_id.empty()) request.query.emplace_back("versionId", version_id);
  return request;
}

HttpRequest BuildCreateMultipartUpload(const BucketAddress& bucket, const ObjectTarget& target,
                                       ChecksumAlgorithm checksum, std::string_view token) {
  auto request = ForKey("POST", bucket, target.key, RequestKind::kCreateMultipartUpload);
  request.query.emplace_back("uploads", "");
  AddProperties(
      target, [](std::string_view name) { return !IsCondition(name); }, &request);
  AddToken(token, &request);
  if (!ChecksumName(checksum).empty()) {
    request.headers.push_back({"x-amz-checksum-algorithm", std::string(ChecksumName(checksum))});
    request.headers.push_back({"x-amz-checksum-type", IsCrc(checksum) ? "FULL_OBJECT" : "COMPOSITE"});
  }
  request.fresh_connection = true;  // if sent twice, it creates a second upload that nobody knows
  return request;
}

HttpRequest BuildUploadPart(const BucketAddress& bucket, const ObjectTarget& target,
                            std::string_view upload_id, int part_number) {
  auto request = ForKey("PUT", bucket, target.key, RequestKind::kUploadPart);
  request.query.emplace_back("partNumber", fmt::format("{}", part_number));
  request.query.emplace_back("uploadId", upload_id);
  AddProperties(target, IsCustomerKey, &request);
  return request;
}

std::string BuildCompletionXml(const std::vector<CompletedPart>& parts, ChecksumAlgorithm checksum) {
  std::string xml = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const auto& part : parts) {
    xml += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag>", part.number,
                       XmlEscape(StrongETag(part.etag)));
    if (!ChecksumName(checksum).empty()) {
      xml += fmt::format("<Checksum{0}>{1}</Checksum{0}>", ChecksumName(checksum), part.checksum);
    }
    xml += "</Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

HttpRequest BuildCompleteMultipartUpload(const BucketAddress& bucket, const ObjectTarget& target,
                                         std::string_view upload_id, std::uint64_t object_bytes,
                                         ChecksumAlgorithm checksum, std::string_view object_checksum,
                                         std::string_view xml) {
  auto request = ForKey("POST", bucket, target.key, RequestKind::kCompleteMultipartUpload);
  request.query.emplace_back("uploadId", upload_id);
  request.body = xml;
  request.headers.push_back({"content-type", "application/xml"});
  // With this header the store refuses to complete an object of another size.
  request.headers.push_back({"x-amz-mp-object-size", fmt::format("{}", object_bytes)});
  if (!object_checksum.empty()) {
    request.headers.push_back({std::string(ChecksumHeader(checksum)), std::string(object_checksum)});
    request.headers.push_back({"x-amz-checksum-type", "FULL_OBJECT"});
  }
  AddProperties(
      target, [](std::string_view name) { return IsCondition(name) || IsCustomerKey(name); }, &request);
  request.fresh_connection = true;
  request.responds_late = true;
  return request;
}

HttpRequest BuildAbortMultipartUpload(const BucketAddress& bucket, const ObjectTarget& target,
                                      std::string_view upload_id) {
  auto request = ForKey("DELETE", bucket, target.key);
  request.query.emplace_back("uploadId", upload_id);
  return request;
}

HttpRequest BuildListParts(const BucketAddress& bucket, const ObjectTarget& target,
                           std::string_view upload_id, int marker) {
  auto request = ForKey("GET", bucket, target.key);
  request.query.emplace_back("uploadId", upload_id);
  if (marker > 0) request.query.emplace_back("part-number-marker", fmt::format("{}", marker));
  AddProperties(target, IsCustomerKey, &request);
  return request;
}

HttpRequest BuildListMultipartUploads(const BucketAddress& bucket, std::string_view prefix,
                                      std::string_view key_marker, std::string_view id_marker) {
  auto request = ForKey("GET", bucket, "");
  request.query = {{"uploads", ""}, {"encoding-type", "url"}, {"prefix", std::string(prefix)}};
  if (!key_marker.empty()) request.query.emplace_back("key-marker", key_marker);
  if (!id_marker.empty()) request.query.emplace_back("upload-id-marker", id_marker);
  return request;
}

HttpRequest BuildListObjects(const BucketAddress& bucket, std::string_view prefix,
                             std::string_view continuation) {
  auto request = ForKey("GET", bucket, "");
  request.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", std::string(prefix)}};
  if (!continuation.empty()) request.query.emplace_back("continuation-token", continuation);
  return request;
}

std::string BuildTaggingXml(const Tags& tags) {
  std::string xml = "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>";
  for (const auto& [name, value] : tags) {
    xml += fmt::format("<Tag><Key>{}</Key><Value>{}</Value></Tag>", XmlEscape(name), XmlEscape(value));
  }
  return xml + "</TagSet></Tagging>";
}

HttpRequest BuildPutObjectTagging(const BucketAddress& bucket, const ObjectTarget& target,
                                  std::string_view xml) {
  auto request = ForKey("PUT", bucket, target.key);
  request.query.emplace_back("tagging", "");
  request.body = xml;
  request.headers.push_back({"content-type", "application/xml"});
  request.headers.push_back({"content-md5", Base64Encode(AsBytes(Md5(xml)))});
  return request;
}

}  // namespace s3
