#include "s3/api/responses.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <pugixml.hpp>

#include "s3/hash/checksum.h"
#include "s3/uri.h"

namespace s3 {
namespace {

// S3's upload IDs have some hundred bytes. The limit exists because an ID must fit into a URL.
constexpr std::size_t kMaxUploadIdBytes = 4096;

// Returns the root element; a null node if the document is malformed or its root has another name.
pugi::xml_node Root(pugi::xml_document* document, std::string_view body, const char* name) {
  if (!document->load_buffer(body.data(), body.size(), pugi::parse_minimal | pugi::parse_escapes)) return {};
  return document->child(name);
}

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool IsTrue(pugi::xml_node node, const char* name) {
  return std::string_view(node.child_value(name)) == "true";
}

// Decodes a key of a response with encoding-type=url: XML 1.0 cannot represent every byte of a key.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
std::string Decoded(std::string_view text, bool encoded) {
  if (!encoded) return std::string(text);
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '+', ' ');
  return UriDecode(plain).value_or(std::string(text));
}

// Parses "2026-11-25T02:00:00.000Z" into seconds since 1970.
std::optional<std::int64_t> ParseIsoTime(std::string_view text) {
  std::tm time{};
  const std::string terminated(text);
  const char* rest = strptime(terminated.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr || (*rest != '.' && *rest != 'Z')) return std::nullopt;
  return timegm(&time);
}

}  // namespace

std::optional<std::string> ParseUploadId(std::string_view body) {
  pugi::xml_document document;
  std::string id = Root(&document, body, "InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty() || id.size() > kMaxUploadIdBytes) return std::nullopt;
  return id;
}

std::optional<CompletedObject> ParseCompletion(std::string_view body, ChecksumAlgorithm checksum) {
  pugi::xml_document document;
  const auto root = Root(&document, body, "CompleteMultipartUploadResult");
  CompletedObject object;
  object.etag = root.child_value("ETag");
  if (object.etag.empty() || object.etag.size() > 256) return std::nullopt;
  const auto name = ChecksumName(checksum);
  if (!name.empty()) object.checksum = root.child_value(fmt::format("Checksum{}", name).c_str());
  return object;
}

std::optional<PartList> ParsePartList(std::string_view body) {
  pugi::xml_document document;
  const auto root = Root(&document, body, "ListPartsResult");
  if (!root) return std::nullopt;
  PartList list;
  list.truncated = IsTrue(root, "IsTruncated");
  for (const auto part : root.children("Part")) {
    const auto number = ParseNumber<int>(part.child_value("PartNumber"));
    const auto bytes = ParseNumber<std::uint64_t>(part.child_value("Size"));
    if (!number || *number < 1 || !bytes) return std::nullopt;
    list.parts.push_back({*number, *bytes, part.child_value("ETag")});
  }
  // The caller asks for the page after the last part, so an empty truncated page would make it ask forever.
  if (list.truncated && list.parts.empty()) return std::nullopt;
  return list;
}

std::optional<UploadList> ParseUploadList(std::string_view body) {
  pugi::xml_document document;
  const auto root = Root(&document, body, "ListMultipartUploadsResult");
  if (!root) return std::nullopt;
  const bool encoded = std::string_view(root.child_value("EncodingType")) == "url";
  UploadList list;
  list.truncated = IsTrue(root, "IsTruncated");
  list.next_key = Decoded(root.child_value("NextKeyMarker"), encoded);
  list.next_id = root.child_value("NextUploadIdMarker");
  for (const auto upload : root.children("Upload")) {
    const std::string id = upload.child_value("UploadId");
    if (id.empty()) return std::nullopt;
    list.uploads.push_back({Decoded(upload.child_value("Key"), encoded), id,
                            ParseIsoTime(upload.child_value("Initiated")).value_or(0)});
  }
  return list;
}

std::optional<ObjectList> ParseObjectList(std::string_view body) {
  pugi::xml_document document;
  const auto root = Root(&document, body, "ListBucketResult");
  if (!root) return std::nullopt;
  const bool encoded = std::string_view(root.child_value("EncodingType")) == "url";
  ObjectList list;
  list.truncated = IsTrue(root, "IsTruncated");
  list.next = root.child_value("NextContinuationToken");
  for (const auto object : root.children("Contents")) {
    const auto bytes = ParseNumber<std::uint64_t>(object.child_value("Size"));
    if (!bytes) return std::nullopt;
    list.objects.push_back({Decoded(object.child_value("Key"), encoded), *bytes, object.child_value("ETag"),
                            ParseIsoTime(object.child_value("LastModified")).value_or(0)});
  }
  // Without a token the caller would ask for the first page forever.
  if (list.truncated && list.next.empty()) return std::nullopt;
  return list;
}

}  // namespace s3
