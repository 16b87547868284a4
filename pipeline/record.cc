#include "pipeline/record.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "s3/checksum.h"
#include "s3/hash.h"

namespace pipeline {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kCrcLead = R"(,"crc":")";
constexpr std::size_t kCrcBytes = kCrcLead.size() + 8 + 2;

const char* ChecksumField(s3::ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case s3::ChecksumAlgorithm::kMd5: return "md5_base64";
    case s3::ChecksumAlgorithm::kCrc32c: return "crc32c_base64";
    case s3::ChecksumAlgorithm::kCrc64Nvme: return "crc64nvme_base64";
    default: return "sha256_base64";
  }
}

void PutBytes(Json* line, const std::string& name, const std::string& bytes) {
  if (IsUtf8(bytes)) {
    (*line)[name] = bytes;
  } else {
    (*line)[name + "_base64"] = s3::Base64Encode(bytes);
  }
}

std::string Seal(const Json& line) {
  // A server's message may hold any bytes: what is no UTF-8 becomes U+FFFD.
  auto text = line.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.pop_back();
  return text + fmt::format("{}{:08x}\"}}\n", kCrcLead, s3::Crc32c(text));
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t k) {
      return static_cast<unsigned char>(i + k < text.size() ? text[i + k] : 0);
    };
    const auto continues = [&](std::size_t k) { return (at(k) & 0xC0) == 0x80; };
    const auto lead = at(0);
    if (lead < 0x80) {
      i += 1;
    } else if (lead >= 0xC2 && lead <= 0xDF && continues(1)) {
      i += 2;
    } else if (lead >= 0xE0 && lead <= 0xEF && continues(1) && continues(2) &&
               !(lead == 0xE0 && at(1) < 0xA0) && !(lead == 0xED && at(1) > 0x9F)) {
      i += 3;
    } else if (lead >= 0xF0 && lead <= 0xF4 && continues(1) && continues(2) && continues(3) &&
               !(lead == 0xF0 && at(1) < 0x90) && !(lead == 0xF4 && at(1) > 0x8F)) {
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

bool IsIntact(std::string_view line) {
  if (line.size() < kCrcBytes || !line.ends_with("\"}")) return false;
  const auto body = line.substr(0, line.size() - kCrcBytes);
  const auto seal = line.substr(body.size());
  return seal.starts_with(kCrcLead) &&
         seal.substr(kCrcLead.size(), 8) == fmt::format("{:08x}", s3::Crc32c(body));
}

std::string RunLine(const RunRecord& record) {
  return Seal({{"record", "run"},
               {"session", record.session},
               {"version", S3FLOW_VERSION},
               {"job_file", record.job_file},
               {"overrides", record.overrides},
               {"settings", record.settings}});
}

std::string CreatingLine(std::string_view token, const InputFile& file, std::int64_t time_s) {
  Json line{{"record", "creating"}, {"token", token}};
  PutBytes(&line, "key", file.key);
  line["time"] = time_s;
  return Seal(line);
}

std::string UploadLine(const UploadRecord& record) {
  Json line{{"record", "upload"}, {"token", record.token}};
  PutBytes(&line, "path", record.path);
  PutBytes(&line, "key", record.key);
  line["upload_id"] = record.upload_id;
  line["size"] = record.size_bytes;
  line["part_size"] = record.part_bytes;
  line["mtime_ns"] = record.mtime_ns;
  line["created_once"] = record.created_once;
  return Seal(line);
}

std::string PartLine(const PartRecord& record) {
  return Seal({{"record", "part"},
               {"token", record.token},
               {"part", record.number},
               {"size", record.bytes},
               {"etag", record.etag},
               {"digest", record.digest}});
}

std::string CompletingLine(std::string_view token) {
  return Seal({{"record", "completing"}, {"token", token}});
}

std::string GoneLine(std::string_view token) { return Seal({{"record", "gone"}, {"token", token}}); }

std::string EndLine(const EndRecord& record) {
  return Seal({{"record", "end"}, {"exit_status", record.status}, {"complete", record.complete}});
}

std::string ResultLine(const ObjectResult& result) {
  Json line{{"record", "result"}, {"outcome", OutcomeName(result.outcome)}};
  PutBytes(&line, "path", result.file->path);
  PutBytes(&line, "key", result.file->key);
  line["size"] = result.size_bytes;
  if (result.mtime_ns != 0) line["mtime_ns"] = result.mtime_ns;
  if (!result.etag.empty()) line["etag"] = result.etag;
  if (!result.sha256.empty()) line["sha256"] = result.sha256;
  if (!result.checksum.empty()) line[ChecksumField(result.algorithm)] = result.checksum;
  if (result.parts > 0) line["parts"] = result.parts;
  if (result.reused_parts > 0) line["reused_parts"] = result.reused_parts;
  if (result.file->is_stream) line["stream"] = true;
  if (!result.version_id.empty()) line["version_id"] = result.version_id;
  line["attempts"] = result.attempts;
  line["seconds"] = result.seconds.count();
  if (!result.reason.empty()) line["reason"] = result.reason;
  if (!result.request_id.empty()) line["request_id"] = result.request_id;
  if (result.error) {
    const auto& error = *result.error;
    line["kind"] = s3::KindName(error.kind);
    if (error.http_status != 0) line["http_status"] = error.http_status;
    if (!error.code.empty()) line["code"] = error.code;
    line["message"] = error.message;
    if (!error.request_id.empty()) line["request_id"] = error.request_id;
  }
  return Seal(line);
}

}  // namespace pipeline
