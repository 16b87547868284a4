#include "pipeline/journal/result_details.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace pipeline {
namespace {

constexpr std::string_view kChecksumEnd = "_base64";

template <typename Number>
void ReadNumber(std::string_view text, Number* number) {
  std::from_chars(text.data(), text.data() + text.size(), *number);
}

// Returns the address of the member of `details` that stores this field. Returns null for an unknown field.
std::string* TextOf(std::string_view name, ResultDetails* details) {
  if (name == "etag") return &details->etag;
  if (name == "sha256") return &details->sha256;
  if (name == "request_id") return &details->request_id;
  if (name == "version_id") return &details->version_id;
  if (name == "reason") return &details->reason;
  if (name == "kind") return &details->kind;
  if (name == "code") return &details->code;
  if (name == "message") return &details->message;
  return nullptr;
}

bool IsChecksum(std::string_view name) {
  return name.ends_with(kChecksumEnd) && name != "path_base64" && name != "key_base64";
}

bool IsKnown(std::string_view name, ResultDetails* details) {
  static constexpr std::array<std::string_view, 6> kOthers{"seconds",   "parts",       "attempts",
                                                           "last_part", "http_status", "stream"};
  return TextOf(name, details) != nullptr || IsChecksum(name) ||
         std::find(kOthers.begin(), kOthers.end(), name) != kOthers.end();
}

void Set(std::string_view name, std::string_view value, ResultDetails* details) {
  if (auto* const text = TextOf(name, details)) {
    text->assign(value);
  } else if (name == "seconds") {
    ReadNumber(value, &details->seconds);
    if (!std::isfinite(details->seconds) || details->seconds < 0) details->seconds = 0;
  } else if (name == "parts") {
    ReadNumber(value, &details->parts);
  } else if (name == "attempts") {
    ReadNumber(value, &details->attempts);
  } else if (name == "last_part") {
    ReadNumber(value, &details->last_part);
  } else if (name == "http_status") {
    ReadNumber(value, &details->http_status);
  } else if (name == "stream") {
    details->is_stream = true;
  } else if (IsChecksum(name)) {
    details->checksum_algorithm.assign(name.substr(0, name.size() - kChecksumEnd.size()));
    details->checksum.assign(value);
  }
}

void Clear(ResultDetails* details) {
  for (auto* text : {&details->etag, &details->version_id, &details->request_id, &details->sha256,
                     &details->checksum_algorithm, &details->checksum, &details->reason, &details->kind,
                     &details->code, &details->message}) {
    text->clear();
  }
  details->last_part = details->parts = details->http_status = 0;
  details->attempts = 1;
  details->seconds = 0;
  details->is_stream = false;
}

// Takes a text from the front of `*rest`, after its opening quote. A text whose only escapes are quotes and
// backslashes, as in every ETag, is copied to `*unescaped`. Returns false for other escapes.
bool TakeText(std::string_view* rest, std::string* unescaped, std::string_view* value) {
  const auto* const quote = static_cast<const char*>(std::memchr(rest->data(), '"', rest->size()));
  if (quote == nullptr) return false;
  *value = rest->substr(0, static_cast<std::size_t>(quote - rest->data()));
  if (std::memchr(value->data(), '\\', value->size()) == nullptr) {
    rest->remove_prefix(value->size() + 1);
    return true;
  }
  unescaped->clear();
  for (std::size_t i = 0; i < rest->size(); ++i) {
    const char c = (*rest)[i];
    if (c == '"') {
      rest->remove_prefix(i + 1);
      *value = *unescaped;
      return true;
    }
    if (c == '\\') ++i;
    const bool is_known = i < rest->size() && (c != '\\' || (*rest)[i] == '"' || (*rest)[i] == '\\');
    if (!is_known) return false;
    *unescaped += (*rest)[i];
  }
  return false;
}

bool TakeLiteral(std::string_view* rest, std::string_view* value) {
  *value = rest->substr(0, rest->find_first_of(",}"));
  rest->remove_prefix(value->size());
  return !value->empty() && value->find_first_of("[{\\") == std::string_view::npos;
}

// Reads a line whose texts have no escapes but those of TakeText(); ten times as fast as a parser.
bool Scan(std::string_view rest, ResultDetails* details) {
  std::string unescaped;
  for (char lead = '{'; !rest.empty() && rest.front() == lead; lead = ',') {
    rest.remove_prefix(1);
    std::string_view name, value;
    if (!rest.starts_with('"')) return false;
    rest.remove_prefix(1);
    if (!TakeText(&rest, &unescaped, &name) || !rest.starts_with(':')) return false;
    rest.remove_prefix(1);
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      if (!TakeText(&rest, &unescaped, &value)) return false;
    } else if (!TakeLiteral(&rest, &value)) {
      return false;
    }
    Set(name, value, details);
  }
  return rest == "}";
}

}  // namespace

bool ReadDetails(std::string_view line, ResultDetails* details) {
  Clear(details);
  if (Scan(line, details)) return true;
  Clear(details);
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return false;
  for (const auto& [name, value] : json.items()) {
    if (value.is_structured()) {
      if (IsKnown(name, details)) return false;
      continue;
    }
    Set(name, value.is_string() ? value.get_ref<const std::string&>() : value.dump(), details);
  }
  return true;
}

}  // namespace pipeline
