#include "s3/endpoint/operations/delete_objects.h"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <string_view>
#include <vector>

#include "s3/base/text.h"
#include "s3/endpoint/body.h"

namespace s3::endpoint {
namespace {

constexpr std::size_t kMaxKeys = 1000;

struct Named {
  std::string key;
  const char* unsupported = nullptr;  // why this endpoint does not delete the object
};

// Returns nothing if the document is not one of S3's, or names no object or too many.
std::optional<std::vector<Named>> ParseNames(const pugi::xml_document& document) {
  std::vector<Named> names;
  for (const auto object : document.child("Delete").children("Object")) {
    Named named{object.child_value("Key")};
    const std::string_view version = object.child_value("VersionId");
    // "null" is the object of a bucket without versions.
    if (!version.empty() && version != "null") named.unsupported = "This endpoint has no versions";
    for (const auto* condition : {"ETag", "LastModifiedTime", "Size"}) {
      if (object.child(condition)) named.unsupported = "This endpoint has no conditional deletes";
    }
    if (named.key.empty()) return std::nullopt;
    names.push_back(std::move(named));
  }
  if (names.empty() || names.size() > kMaxKeys) return std::nullopt;
  return names;
}

}  // namespace

std::optional<Reply> CheckDeleteObjects(const Call& call) {
  if (call.FindHeader("content-md5") || !PromisedChecksum(call).empty()) return std::nullopt;
  return ErrorReply(400, "InvalidRequest",
                    "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

Reply DeleteObjects(Store* store, const Call& call, const std::string& xml) {
  pugi::xml_document document;
  const bool is_xml =
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata);
  const auto names = is_xml ? ParseNames(document) : std::nullopt;
  if (!names) {
    return ErrorReply(
        400, "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema");
  }
  const bool is_quiet = std::string_view(document.child("Delete").child_value("Quiet")) == "true";
  std::string result;
  for (const auto& [key, unsupported] : *names) {
    if (unsupported != nullptr) {
      result += fmt::format("<Error><Key>{}</Key><Code>NotImplemented</Code><Message>{}</Message></Error>",
                            XmlEscape(key), unsupported);
      continue;
    }
    store->DeleteObject(call.bucket, key);
    if (!is_quiet) result += fmt::format("<Deleted><Key>{}</Key></Deleted>", XmlEscape(key));
  }
  return XmlReply(fmt::format(
      "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{}</DeleteResult>", result));
}

}  // namespace s3::endpoint
