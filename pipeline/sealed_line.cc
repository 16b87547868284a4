#include "pipeline/sealed_line.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "s3/checksum.h"
#include "s3/hash.h"

namespace pipeline {
namespace {

constexpr std::string_view kCrcLead = R"(,"crc":")";
constexpr std::size_t kCrcBytes = kCrcLead.size() + 8 + 2;

std::string Dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

SealedLine::SealedLine(std::string_view record) {
  text_.reserve(640);
  text_.append("{\"record\":\"").append(record).append("\"");
}

void SealedLine::Text(std::string_view name, std::string_view value) {
  Name(name);
  const bool plain = std::all_of(value.begin(), value.end(),
                                 [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain) {
    text_.append("\"").append(value).append("\"");
  } else {
    text_ += Dump(nlohmann::json(value));
  }
}

void SealedLine::Bytes(std::string_view name, const std::string& value) {
  if (IsUtf8(value)) return Text(name, value);
  Text(fmt::format("{}_base64", name), s3::Base64Encode(value));
}

void SealedLine::Json(std::string_view name, const nlohmann::json& value) {
  Name(name);
  text_ += Dump(value);
}

std::string SealedLine::Seal() && {
  const auto crc = s3::Crc32c(text_);
  fmt::format_to(std::back_inserter(text_), "{}{:08x}\"}}\n", kCrcLead, crc);
  return std::move(text_);
}

bool IsIntact(std::string_view line) {
  if (line.size() < kCrcBytes || !line.ends_with("\"}")) return false;
  const auto body = line.substr(0, line.size() - kCrcBytes);
  const auto seal = line.substr(body.size());
  return seal.starts_with(kCrcLead) &&
         seal.substr(kCrcLead.size(), 8) == fmt::format("{:08x}", s3::Crc32c(body));
}

std::string BytesOf(const nlohmann::json& line, const std::string& name) {
  if (line.contains(name)) return line.at(name);
  return s3::Base64Decode(line.at(name + "_base64").get<std::string>()).value();
}

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

}  // namespace pipeline
