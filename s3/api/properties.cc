#include "s3/api/properties.h"

#include <fmt/format.h>

#include <algorithm>

#include "s3/hash/hash.h"
#include "s3/uri.h"

namespace s3 {

void ObjectProperties::Set(std::string_view name, std::string value) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Header& header) { return header.name == name; });
  if (entry != entries_.end()) {
    entry->value = std::move(value);
  } else {
    entries_.push_back({std::string(name), std::move(value)});
  }
}

const std::string* ObjectProperties::Find(std::string_view name) const {
  for (const auto& [entry_name, value] : entries_) {
    if (entry_name == name) return value.empty() ? nullptr : &value;
  }
  return nullptr;
}

void ObjectProperties::Apply(const ObjectProperties& over) {
  for (const auto& [name, value] : over.entries_) Set(name, value);
  if (!over.customer_key_.empty()) customer_key_ = over.customer_key_;
}

std::vector<Header> ObjectProperties::Headers() const {
  std::vector<Header> headers;
  headers.reserve(entries_.size());
  for (const auto& entry : entries_) {
    if (!entry.value.empty()) headers.push_back(entry);
  }
  return headers;
}

void SetCustomerKey(std::string_view key, ObjectProperties* properties) {
  const auto name = [](std::string_view last) { return fmt::format("{}{}", kCustomerKeyPrefix, last); };
  properties->Set(name("algorithm"), "AES256");
  auto base64 = Base64Encode(key);
  properties->SetCustomerKey(Secret(base64));
  Wipe(&base64);
  properties->Set(name("key-md5"), Base64Encode(AsBytes(Md5(key))));
}

std::string TaggingValue(const Tags& tags) {
  std::string text;
  for (const auto& [name, value] : tags) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", UriEncode(name, false), UriEncode(value, false));
  }
  return text;
}

Tags ParseTagging(std::string_view value) {
  Tags tags;
  while (!value.empty()) {
    const auto pair = value.substr(0, value.find('&'));
    value.remove_prefix(std::min(pair.size() + 1, value.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = UriDecode(pair.substr(0, equals));
    auto text = UriDecode(pair.substr(std::min(equals + 1, pair.size())));
    if (name && text) tags.emplace_back(std::move(*name), std::move(*text));
  }
  return tags;
}

bool IsConditional(const ObjectProperties& properties) { return properties.Find("if-none-match") != nullptr; }

std::optional<std::string> HeaderValueProblem(std::string_view value) {
  const auto bad = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of(value.begin(), value.end(), bad))
    return "has a control character, which a header must not have: remove it";
  // Stores do not agree on bytes outside ASCII: they decode them in different ways, or refuse them.
  const auto is_not_ascii = [](unsigned char c) { return c >= 0x80; };
  if (std::any_of(value.begin(), value.end(), is_not_ascii)) {
    return "has a character that is not ASCII: encode it (percent-encoding, or RFC 2047)";
  }
  // Signing collapses runs of spaces, so the signed value would differ from the sent value.
  if (value.find("  ") != std::string_view::npos || value.starts_with(' ') || value.ends_with(' ')) {
    return "begins or ends with a space, or has two spaces in a row, which a signature cannot cover: remove "
           "them";
  }
  return std::nullopt;
}

std::optional<std::string> MetadataNameProblem(std::string_view name) {
  // RFC 9110, section 5.6.2: the characters of a token.
  const auto is_token_char = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_char)) {
    return fmt::format("'{}' cannot be the name of a header", name);
  }
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower == kTokenName)
    return fmt::format("'{}' is reserved for s3flow's own mark: use another name", name);
  return std::nullopt;
}

}  // namespace s3
