#include "s3/credentials/providers/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

namespace s3 {
namespace {

using Json = nlohmann::json;
using namespace std::chrono;

Result<Json> ParseObject(std::string_view text) {
  auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Fail(ErrorKind::kBadCredentials, "is not a JSON object");
  return json;
}

// Returns nothing if the member is missing or null.
Result<std::optional<std::string>> Text(const Json& json, std::string_view name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::optional<std::string>();
  if (!found->is_string())
    return Fail(ErrorKind::kBadCredentials, fmt::format("has a {} that is not text", name));
  return std::optional(found->get<std::string>());
}

Result<std::string> Needed(const Json& json, std::string_view name) {
  auto text = Text(json, name);
  if (!text) return tl::unexpected(text.error());
  if (!*text || (*text)->empty()) return Fail(ErrorKind::kBadCredentials, fmt::format("has no {}", name));
  return std::move(**text);
}

// True if the text can be used as a header value.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

Result<Credentials> Keys(const Json& json, std::string_view id_name, std::string_view secret_name,
                         std::string_view token_name) {
  const auto id = Needed(json, id_name);
  if (!id) return tl::unexpected(id.error());
  const auto secret = Needed(json, secret_name);
  if (!secret) return tl::unexpected(secret.error());
  const auto token = Text(json, token_name);
  if (!token) return tl::unexpected(token.error());
  return Credentials{*id, Secret(*secret), Secret(token->value_or(""))};
}

// A later expiry time is replaced by this time, because system_clock counts nanoseconds and ends in 2262.
constexpr sys_seconds kNever = sys_days(year(2200) / 1 / 1);

SystemTime AtMostNever(sys_seconds time) { return std::min(time, kNever); }

// Parses `count` digits that begin at `at`. Returns -1 if a character is not a digit.
int Digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = -1;
  if (at + count > text.size()) return -1;
  const char* const end = text.data() + at + count;
  const auto parsed = std::from_chars(text.data() + at, end, value);
  return parsed.ptr == end && parsed.ec == std::errc() && value >= 0 ? value : -1;
}

}  // namespace

std::optional<SystemTime> ParseTimestamp(std::string_view text) {
  const bool shaped = text.size() >= 20 && text[4] == '-' && text[7] == '-' &&
                      (text[10] == 'T' || text[10] == ' ') && text[13] == ':' && text[16] == ':';
  if (!shaped) return std::nullopt;
  const year_month_day date{year(Digits(text, 0, 4)), month(static_cast<unsigned>(Digits(text, 5, 2))),
                            day(static_cast<unsigned>(Digits(text, 8, 2)))};
  const int hour = Digits(text, 11, 2), minute = Digits(text, 14, 2), second = Digits(text, 17, 2);
  if (Digits(text, 0, 4) < 1970 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60) {
    return std::nullopt;
  }
  auto time = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  auto rest = text.substr(19);
  if (rest.starts_with('.')) {
    // Fractions are dropped: an earlier expiry is safe.
    const auto end = rest.find_first_not_of("0123456789", 1);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  }
  if (rest == "Z" || rest == "z" || rest == "UTC") return AtMostNever(time);
  const bool offset = rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':';
  if (!offset || Digits(rest, 1, 2) < 0 || Digits(rest, 4, 2) < 0) return std::nullopt;
  const auto shift = hours(Digits(rest, 1, 2)) + minutes(Digits(rest, 4, 2));
  return AtMostNever(rest[0] == '+' ? time - shift : time + shift);
}

SystemTime ByOurClock(SystemTime expires, const HttpHeaders& headers) {
  const auto theirs = ParseHttpDate(headers.Find("date").value_or(""));
  if (!theirs) return expires;
  const auto offset = *theirs - floor<seconds>(system_clock::now());
  // A Date has a resolution of one second, so a small difference is ignored.
  return abs(offset) <= seconds(2) ? expires : expires - offset;
}

Result<Credentials> CredentialsFromJson(std::string_view text, std::string_view token_name) {
  const auto json = ParseObject(text);
  if (!json) return tl::unexpected(json.error());
  auto credentials = Keys(*json, "AccessKeyId", "SecretAccessKey", token_name);
  if (!credentials) return credentials;
  const auto expiration = Text(*json, "Expiration");
  if (!expiration) return tl::unexpected(expiration.error());
  if (*expiration && !(*expiration)->empty()) {
    credentials->expires = ParseTimestamp(**expiration);
    if (!credentials->expires)
      return Fail(ErrorKind::kBadCredentials, "has an Expiration that is not a time");
  }
  return credentials;
}

Result<SsoToken> SsoTokenFromJson(std::string_view text) {
  const auto json = ParseObject(text);
  if (!json) return tl::unexpected(json.error());
  const auto token = Needed(*json, "accessToken");
  if (!token) return tl::unexpected(token.error());
  const auto expires = Needed(*json, "expiresAt");
  if (!expires) return tl::unexpected(expires.error());
  const auto time = ParseTimestamp(*expires);
  if (!time) return Fail(ErrorKind::kBadCredentials, "has an expiresAt that is not a time");
  if (!IsPlain(*token)) return Fail(ErrorKind::kBadCredentials, "has an invalid accessToken");
  return SsoToken{Secret(*token), *time};
}

Result<Credentials> CredentialsFromSso(std::string_view text) {
  const auto json = ParseObject(text);
  if (!json) return tl::unexpected(json.error());
  const auto role = json->find("roleCredentials");
  if (role == json->end() || !role->is_object()) {
    return Fail(ErrorKind::kBadCredentials, "has no roleCredentials");
  }
  auto credentials = Keys(*role, "accessKeyId", "secretAccessKey", "sessionToken");
  if (!credentials) return credentials;
  const auto expiration = role->find("expiration");
  if (expiration == role->end() || !expiration->is_number_integer() || expiration->get<std::int64_t>() < 0) {
    return Fail(ErrorKind::kBadCredentials, "has no expiration in milliseconds");
  }
  credentials->expires =
      AtMostNever(floor<seconds>(sys_time<milliseconds>(milliseconds(expiration->get<std::int64_t>()))));
  return credentials;
}

Result<Credentials> CredentialsFromSts(std::string_view xml, std::string_view action) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_minimal | pugi::parse_escapes)) {
    return Fail(ErrorKind::kBadCredentials, "is not XML");
  }
  const auto response = document.child(fmt::format("{}Response", action).c_str());
  const auto node = response.child(fmt::format("{}Result", action).c_str()).child("Credentials");
  for (const auto* name : {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}) {
    if (*node.child_value(name) == '\0') {
      return Fail(ErrorKind::kBadCredentials, fmt::format("has no {}", name));
    }
  }
  const auto expires = ParseTimestamp(node.child_value("Expiration"));
  if (!expires) return Fail(ErrorKind::kBadCredentials, "has an Expiration that is not a time");
  return Credentials{node.child_value("AccessKeyId"), Secret(node.child_value("SecretAccessKey")),
                     Secret(node.child_value("SessionToken")), expires};
}

std::string RefusalCode(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return "";
  for (const auto* name : {"Code", "code", "__type"}) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_string()) continue;
    const auto& code = found->get_ref<const std::string&>();
    const bool word = code.size() <= 64 && std::all_of(code.begin(), code.end(), [](unsigned char c) {
                        return std::isalnum(c) != 0 || c == '.' || c == '#';
                      });
    if (word) return code;
  }
  return "";
}

}  // namespace s3
