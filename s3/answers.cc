#include "s3/answers.h"

#include <fmt/format.h>

#include <charconv>
#include <pugixml.hpp>

#include "s3/checksum.h"

namespace s3 {
namespace {

constexpr std::size_t kMaxUploadIdBytes = 4096;  // S3's have some hundred; a header line must hold it

// The root element of that name; null when the document is broken or another.
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
  list.truncated = std::string_view(root.child_value("IsTruncated")) == "true";
  for (const auto part : root.children("Part")) {
    const auto number = ParseNumber<int>(part.child_value("PartNumber"));
    const auto bytes = ParseNumber<std::uint64_t>(part.child_value("Size"));
    if (!number || *number < 1 || !bytes) return std::nullopt;
    list.parts.push_back({*number, *bytes, part.child_value("ETag")});
  }
  // A page that is cut short and empty would have its reader ask for ever.
  if (list.truncated && list.parts.empty()) return std::nullopt;
  return list;
}

}  // namespace s3
