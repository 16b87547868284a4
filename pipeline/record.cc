#include "pipeline/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

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

// `text` is an object without its closing brace.
std::string Sealed(std::string text) {
  const auto crc = s3::Crc32c(text);
  fmt::format_to(std::back_inserter(text), "{}{:08x}\"}}\n", kCrcLead, crc);
  return text;
}

// A server's message may hold any bytes: what is no UTF-8 becomes U+FFFD.
std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string Seal(const Json& line) {
  auto text = Dump(line);
  text.pop_back();
  return Sealed(std::move(text));
}

// Writes the line that there are most of, without making a document first.
class LineWriter {
 public:
  explicit LineWriter(std::string_view record) {
    text_.reserve(640);
    text_.append("{\"record\":\"").append(record).append("\"");
  }

  template <typename Value>
  void Literal(std::string_view name, Value value) {
    Name(name);
    fmt::format_to(std::back_inserter(text_), "{}", value);
  }
  void Text(std::string_view name, std::string_view value) {
    Name(name);
    const bool plain = std::all_of(value.begin(), value.end(),
                                   [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    if (plain) {
      text_.append("\"").append(value).append("\"");
    } else {
      text_ += Dump(Json(value));
    }
  }
  void Bytes(std::string_view name, const std::string& value) {
    if (IsUtf8(value)) return Text(name, value);
    Text(fmt::format("{}_base64", name), s3::Base64Encode(value));
  }
  std::string Seal() && { return Sealed(std::move(text_)); }

 private:
  void Name(std::string_view name) { text_.append(",\"").append(name).append("\":"); }

  std::string text_;
};

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
  LineWriter line("result");
  line.Text("outcome", OutcomeName(result.outcome));
  line.Bytes("path", result.file->path);
  line.Bytes("key", result.file->key);
  line.Literal("size", result.size_bytes);
  if (result.mtime_ns != 0) line.Literal("mtime_ns", result.mtime_ns);
  if (!result.etag.empty()) line.Text("etag", result.etag);
  if (!result.sha256.empty()) line.Text("sha256", result.sha256);
  if (!result.checksum.empty()) line.Text(ChecksumField(result.algorithm), result.checksum);
  if (result.parts > 0) line.Literal("parts", result.parts);
  if (result.reused_parts > 0) line.Literal("reused_parts", result.reused_parts);
  if (result.file->is_stream) line.Literal("stream", "true");
  if (!result.version_id.empty()) line.Text("version_id", result.version_id);
  line.Literal("attempts", result.attempts);
  line.Literal("seconds", result.seconds.count());
  if (!result.reason.empty()) line.Text("reason", result.reason);
  if (!result.error) {
    if (!result.request_id.empty()) line.Text("request_id", result.request_id);
    return std::move(line).Seal();
  }
  const auto& error = *result.error;
  line.Text("kind", s3::KindName(error.kind));
  if (error.http_status != 0) line.Literal("http_status", error.http_status);
  if (!error.code.empty()) line.Text("code", error.code);
  line.Text("message", error.message);
  const auto& request_id = error.request_id.empty() ? result.request_id : error.request_id;
  if (!request_id.empty()) line.Text("request_id", request_id);
  return std::move(line).Seal();
}

}  // namespace pipeline
