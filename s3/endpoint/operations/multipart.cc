#include "s3/endpoint/operations/multipart.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <pugixml.hpp>

#include "s3/api/properties.h"
#include "s3/base/text.h"
#include "s3/endpoint/operations/conditions.h"
#include "s3/endpoint/operations/listing.h"
#include "s3/endpoint/operations/properties.h"

namespace s3::endpoint {
namespace {

constexpr int kMaxParts = 10'000;

Reply NoSuchUpload() {
  return ErrorReply(
      404, "NoSuchUpload",
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
      "been aborted or completed.");
}

std::string IdOf(const Call& call) { return call.FindQuery("uploadId").value_or(""); }

std::optional<PendingUpload> FindUpload(const Uploads& uploads, const Call& call, bool with_parts) {
  return uploads.Find(call.bucket, call.key, IdOf(call), with_parts);
}

int NumberOf(std::string_view text, int default_value) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : default_value;
}

std::string WithoutQuotes(std::string text) {
  std::erase(text, '"');
  return text;
}

struct NamedPart {
  int number;
  std::string etag;
};

std::optional<std::vector<NamedPart>> ParseParts(const std::string& xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return std::nullopt;
  std::vector<NamedPart> parts;
  for (const auto part : document.child("CompleteMultipartUpload").children("Part")) {
    parts.push_back({NumberOf(part.child_value("PartNumber"), 0), WithoutQuotes(part.child_value("ETag"))});
  }
  if (parts.empty()) return std::nullopt;
  return parts;
}

std::optional<Reply> PartsProblem(const PendingUpload& upload, const std::vector<NamedPart>& named,
                                  const ServerOptions& options) {
  const auto* profile = options.emulated_profile;
  const bool must_be_equal = profile != nullptr && profile->limits.equal_parts;
  std::uint64_t first_bytes = 0;
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (i > 0 && named[i].number <= named[i - 1].number) {
      return ErrorReply(
          400, "InvalidPartOrder",
          "The list of parts was not in ascending order. Parts must be ordered by part number.");
    }
    const auto part = upload.parts.find(named[i].number);
    if (part == upload.parts.end() || part->second.etag != named[i].etag) {
      return ErrorReply(400, "InvalidPart",
                        "One or more of the specified parts could not be found. The part may not have been "
                        "uploaded, or the specified entity tag may not match the part's entity tag.");
    }
    const auto bytes = part->second.bytes.size_bytes;
    const bool is_last = i + 1 == named.size();
    if (!is_last && bytes < options.min_part_bytes) {
      return ErrorReply(400, "EntityTooSmall",
                        "Your proposed upload is smaller than the minimum allowed size");
    }
    if (i == 0) first_bytes = bytes;
    const bool fits = bytes == first_bytes || (is_last && bytes < first_bytes);
    if (must_be_equal && !fits) {
      return ErrorReply(400, "InvalidPart", "All non-trailing parts must have the same length.");
    }
  }
  return std::nullopt;
}

// Returns the description of the object that consists of the named parts. Appends their bytes to `*bytes`.
ObjectInfo Describe(const PendingUpload& upload, const std::vector<NamedPart>& named,
                    std::vector<StoredBytes>* bytes) {
  auto info = upload.info;
  std::string md5s;
  std::vector<PartChecksum> checksums;
  for (const auto& [number, etag] : named) {
    const auto& part = upload.parts.at(number);
    bytes->push_back(part.bytes);
    info.size_bytes += part.bytes.size_bytes;
    md5s += HexDecode(part.etag).value();
    checksums.push_back({part.checksum, part.bytes.size_bytes});
  }
  info.etag = fmt::format("{}-{}", HexEncode(AsBytes(Md5(md5s))), named.size());
  info.last_modified = std::time(nullptr);
  if (!upload.checksum_header.empty()) {
    info.checksum = {
        {upload.checksum_header, ChecksumOfParts(upload.checksum_header, checksums, upload.full_object)},
        {"x-amz-checksum-type", upload.full_object ? "FULL_OBJECT" : "COMPOSITE"}};
  }
  return info;
}

std::optional<Reply> CompareWithPromised(const Call& call, const PendingUpload& upload,
                                         const ObjectInfo& info) {
  const auto size = call.FindHeader("x-amz-mp-object-size");
  if (size && *size != fmt::format("{}", info.size_bytes)) {
    return ErrorReply(400, "InvalidRequest",
                      "The provided 'x-amz-mp-object-size' header does not match the parts");
  }
  const auto checksum = call.FindHeader(upload.checksum_header);
  if (checksum && !info.checksum.empty() && *checksum != info.checksum[0].value) {
    return ErrorReply(400, "BadDigest", "The checksum you specified does not match that of the parts.");
  }
  return std::nullopt;
}

// If a request names no type, S3 uses FULL_OBJECT for CRC64NVME and COMPOSITE for all other algorithms.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
bool DefaultsToFullObject(std::string_view checksum_header) {
  return checksum_header == "x-amz-checksum-crc64nvme";
}

// S3 supports FULL_OBJECT for CRCs only, and no other type for CRC64NVME. This endpoint does not support
// FULL_OBJECT for CRC32.
bool IsPossible(const std::string& checksum_header, bool full_object) {
  if (!StreamChecksum::Of(checksum_header)) return false;
  const bool is_crc64 = checksum_header == "x-amz-checksum-crc64nvme";
  if (full_object) return is_crc64 || checksum_header == "x-amz-checksum-crc32c";
  return !is_crc64;
}

}  // namespace

bool IsMultipart(std::string_view operation) {
  return operation.find("MultipartUpload") != std::string_view::npos || operation == "UploadPart" ||
         operation == "ListParts";
}

std::optional<Reply> CheckUploadPart(const Uploads& uploads, const Call& call) {
  const auto upload = FindUpload(uploads, call, false);
  if (!upload) return NoSuchUpload();
  const int number = NumberOf(call.FindQuery("partNumber").value_or(""), 0);
  if (number < 1 || number > kMaxParts) {
    return ErrorReply(400, "InvalidArgument",
                      "Part number must be an integer between 1 and 10000, inclusive");
  }
  const auto promised = PromisedChecksum(call);
  if (!upload->checksum_header.empty() && !promised.empty() && promised != upload->checksum_header) {
    return ErrorReply(400, "InvalidRequest", "The upload was created with another checksum algorithm");
  }
  return CustomerKeyProblem(call, upload->info);
}

std::string ChecksumOfUpload(const Uploads& uploads, const Call& call) {
  const auto upload = FindUpload(uploads, call, false);
  return upload ? upload->checksum_header : "";
}

Reply CreateMultipartUpload(Uploads* uploads, const Call& call) {
  PendingUpload upload{.bucket = call.bucket, .key = call.key, .initiated = std::time(nullptr)};
  KeepProperties(call, &upload.info);
  if (const auto name = call.FindHeader("x-amz-checksum-algorithm")) {
    upload.checksum_header = LowerCase("x-amz-checksum-" + *name);
    const auto type = call.FindHeader("x-amz-checksum-type");
    upload.full_object = type ? *type == "FULL_OBJECT" : DefaultsToFullObject(upload.checksum_header);
    if (!IsPossible(upload.checksum_header, upload.full_object)) {
      return ErrorReply(400, "InvalidRequest",
                        "This endpoint does not support this checksum algorithm with this type");
    }
  }
  auto headers = EncryptionHeaders(upload.info);
  const auto id = uploads->Create(std::move(upload));
  auto reply = XmlReply(
      fmt::format("<InitiateMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><UploadId>{}</UploadId>"
                  "</InitiateMultipartUploadResult>",
                  XmlEscape(call.bucket), XmlEscape(call.key), id));
  std::move(headers.begin(), headers.end(), std::back_inserter(reply.headers));
  return reply;
}

Reply UploadPart(Uploads* uploads, const Call& call, ReceivedBody body) {
  UploadedPart part{.bytes = {body.upload->Finish(), body.size_bytes},
                    .etag = HexEncode(body.md5),
                    .checksum = body.checksum ? body.checksum->value : "",
                    .last_modified = std::time(nullptr)};
  const auto upload = FindUpload(*uploads, call, false);
  if (!upload) return NoSuchUpload();
  Reply reply;
  reply.headers = EncryptionHeaders(upload->info);
  reply.headers.push_back({"etag", "\"" + part.etag + "\""});
  if (body.checksum) reply.headers.push_back(*body.checksum);
  const int number = NumberOf(call.FindQuery("partNumber").value_or(""), 0);
  if (!uploads->PutPart(call.bucket, call.key, IdOf(call), number, std::move(part))) return NoSuchUpload();
  return reply;
}

Reply CompleteMultipartUpload(Uploads* uploads, Store* store, const Call& call, const std::string& xml,
                              const ServerOptions& options) {
  const auto upload = FindUpload(*uploads, call, true);
  if (!upload) return NoSuchUpload();
  const auto named = ParseParts(xml);
  if (!named) {
    return ErrorReply(400, "MalformedXML", "The XML you provided was not well-formed or did not validate.");
  }
  if (auto problem = PartsProblem(*upload, *named, options)) return *problem;
  std::vector<StoredBytes> bytes;
  auto info = Describe(*upload, *named, &bytes);
  if (options.emulated_profile != nullptr && !options.emulated_profile->etag_of_parts_is_md5) {
    info.etag = HexEncode(AsBytes(Md5(upload->id + info.etag)));
  }
  if (auto problem = CompareWithPromised(call, *upload, info)) return *problem;
  const auto committed = store->Commit(bytes, call.bucket, call.key, info, WriteConditionOf(call, options));
  if (committed != Store::Committed::kYes) return CommitRefusal(committed);
  uploads->Remove(call.bucket, call.key, upload->id);
  auto reply =
      XmlReply(fmt::format("<CompleteMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key>"
                           "<ETag>&quot;{}&quot;</ETag>{}</CompleteMultipartUploadResult>",
                           XmlEscape(call.bucket), XmlEscape(call.key), info.etag, ChecksumElement(info)));
  auto headers = EncryptionHeaders(info);
  std::move(headers.begin(), headers.end(), std::back_inserter(reply.headers));
  return reply;
}

Reply AbortMultipartUpload(Uploads* uploads, const Call& call) {
  if (!uploads->Remove(call.bucket, call.key, IdOf(call))) return NoSuchUpload();
  Reply reply;
  reply.status = 204;
  return reply;
}

Reply ListParts(const Uploads& uploads, const Call& call) {
  const auto upload = FindUpload(uploads, call, true);
  if (!upload) return NoSuchUpload();
  const int marker = NumberOf(call.FindQuery("part-number-marker").value_or(""), 0);
  const int max_parts = std::clamp(NumberOf(call.FindQuery("max-parts").value_or(""), 1000), 1, 1000);
  std::string parts;
  int count = 0, last = marker;
  auto part = upload->parts.upper_bound(marker);
  for (; part != upload->parts.end() && count < max_parts; ++part, ++count) {
    last = part->first;
    parts += fmt::format(
        "<Part><PartNumber>{}</PartNumber><LastModified>{}</LastModified><ETag>&quot;{}&quot;</"
        "ETag><Size>{}</Size></Part>",
        part->first, IsoDate(part->second.last_modified), part->second.etag, part->second.bytes.size_bytes);
  }
  return XmlReply(
      fmt::format("<ListPartsResult><Bucket>{}</Bucket><Key>{}</Key><UploadId>{}</"
                  "UploadId><StorageClass>STANDARD</StorageClass>"
                  "<PartNumberMarker>{}</PartNumberMarker><NextPartNumberMarker>{}</"
                  "NextPartNumberMarker><MaxParts>{}</MaxParts>"
                  "<IsTruncated>{}</IsTruncated>{}</ListPartsResult>",
                  XmlEscape(call.bucket), XmlEscape(call.key), upload->id, marker, last, max_parts,
                  part != upload->parts.end(), parts));
}

Reply ListMultipartUploads(const Uploads& uploads, const Call& call) {
  const auto query = [&](std::string_view name) { return call.FindQuery(name).value_or(""); };
  const bool url = query("encoding-type") == "url";
  const auto encode = [url](std::string_view text) { return url ? UriEncode(text, true) : XmlEscape(text); };
  const int max_uploads = std::clamp(NumberOf(query("max-uploads"), 1000), 1, 1000);
  const auto after = std::pair(query("key-marker"), query("upload-id-marker"));
  std::string list, next_key, next_id;
  int count = 0;
  bool truncated = false;
  for (const auto& upload : uploads.OfBucket(call.bucket)) {
    if (!upload.key.starts_with(query("prefix"))) continue;
    // A key marker without an upload ID skips all uploads of that key.
    const bool past =
        after.second.empty() ? upload.key > after.first : std::pair(upload.key, upload.id) > after;
    if (!after.first.empty() && !past) continue;
    truncated = count == max_uploads;
    if (truncated) break;
    ++count;
    next_key = upload.key;
    next_id = upload.id;
    list += fmt::format(
        "<Upload><Key>{}</Key><UploadId>{}</UploadId><Initiator><ID>s3flow</ID></"
        "Initiator><Owner><ID>s3flow</ID></Owner>"
        "<StorageClass>STANDARD</StorageClass><Initiated>{}</Initiated></Upload>",
        encode(upload.key), upload.id, IsoDate(upload.initiated));
  }
  return XmlReply(
      fmt::format("<ListMultipartUploadsResult><Bucket>{}</Bucket><KeyMarker>{}</"
                  "KeyMarker><UploadIdMarker>{}</UploadIdMarker>"
                  "<NextKeyMarker>{}</NextKeyMarker><NextUploadIdMarker>{}</"
                  "NextUploadIdMarker><MaxUploads>{}</MaxUploads>"
                  "<IsTruncated>{}</IsTruncated>{}{}</ListMultipartUploadsResult>",
                  XmlEscape(call.bucket), encode(after.first), after.second, encode(next_key), next_id,
                  max_uploads, truncated, url ? "<EncodingType>url</EncodingType>" : "", list));
}

std::optional<std::string> ParseTaggingXml(const std::string& xml) {
  pugi::xml_document document;
  const auto set = document.load_buffer(xml.data(), xml.size()) ? document.child("Tagging").child("TagSet")
                                                                : pugi::xml_node();
  if (!set) return std::nullopt;
  Tags tags;
  for (const auto tag : set.children("Tag"))
    tags.emplace_back(tag.child_value("Key"), tag.child_value("Value"));
  return TaggingValue(tags);
}

}  // namespace s3::endpoint
