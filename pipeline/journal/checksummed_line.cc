#include "pipeline/journal/checksummed_line.h"

#include <array>
#include <nlohmann/json.hpp>

#include "s3/base/printable.h"
#include "s3/hash/checksum.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

constexpr std::string_view kCrcLead = R"(,"crc":")";
constexpr std::size_t kCrcBytes = kCrcLead.size() + 8 + 2;

std::string CrcText(std::string_view text) {
  const auto crc = s3::Crc32c(text);
  std::array<char, 4> bytes;
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(crc >> (24 - 8 * i));
  return s3::HexEncode({bytes.data(), bytes.size()});
}

std::string Dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

ChecksummedLine::ChecksummedLine(std::string_view record) {
  text_.reserve(640);
  s3::Append(&text_, {"{\"record\":\"", record, "\""});
}

void ChecksummedLine::Text(std::string_view name, std::string_view value) {
  Name(name);
  const auto needs_library = [](char c) { return static_cast<signed char>(c) < 0x20 || c == 0x7f; };
  if (s3::HasAny(value, needs_library)) {
    text_ += Dump(nlohmann::json(value));
    return;
  }
  const auto is_escaped = [](char c) { return c == '"' || c == '\\'; };  // every ETag has quotes
  text_ += '"';
  if (s3::HasAny(value, is_escaped)) {
    for (const char c : value) {
      if (is_escaped(c)) text_ += '\\';
      text_ += c;
    }
  } else {
    text_ += value;
  }
  text_ += '"';
}

void ChecksummedLine::Bytes(std::string_view name, const std::string& value) {
  if (IsUtf8(value)) return Text(name, value);
  Text(fmt::format("{}_base64", name), s3::Base64Encode(value));
}

void ChecksummedLine::Json(std::string_view name, const nlohmann::json& value) {
  Name(name);
  text_ += Dump(value);
}

std::string ChecksummedLine::WithChecksum() && {
  s3::Append(&text_, {kCrcLead, CrcText(text_), "\"}\n"});
  return std::move(text_);
}

bool IsIntact(std::string_view line) {
  if (line.size() < kCrcBytes || !line.ends_with("\"}")) return false;
  const auto fields = line.substr(0, line.size() - kCrcBytes);
  const auto checksum = line.substr(fields.size());
  return checksum.starts_with(kCrcLead) && checksum.substr(kCrcLead.size(), 8) == CrcText(fields);
}

std::string BytesOf(const nlohmann::json& line, const std::string& name) {
  if (line.contains(name)) return line.at(name);
  return s3::Base64Decode(line.at(name + "_base64").get<std::string>()).value();
}

bool IsUtf8(std::string_view text) {
  if (!s3::HasAny(text, [](char c) { return static_cast<signed char>(c) < 0; })) return true;
  while (!text.empty()) {
    const auto bytes = s3::FirstCharacter(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace pipeline
