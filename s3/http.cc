#include "s3/http.h"

#include <fmt/format.h>
#include <strings.h>

#include <ctime>

#include "s3/base/printable.h"
#include "s3/base/text.h"

namespace s3 {

std::uint64_t HttpRequest::body_bytes() const {
  std::uint64_t bytes = body_file.bytes;
  if (body_pieces.empty()) return bytes + body.size();
  for (const auto piece : body_pieces) bytes += piece.size();
  return bytes;
}

std::optional<std::string> HeadProblem(const HttpRequest& request) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  const auto is_no_word = [](unsigned char c) { return c <= 0x20 || c >= 0x7f; };
  const auto is_no_name = [&](unsigned char c) { return is_no_word(c) || c == ':'; };
  if (HasAny(request.method, is_no_word) || HasAny(request.path, is_no_word))
    return "its target has a character that has to be percent-encoded";
  if (HasAny(request.endpoint.host, is_no_word)) return "its host has a character that no host has";
  std::optional<std::string> problem;
  const auto check = [&](std::string_view name, std::string_view value) {
    if (name.empty() || HasAny(name, is_no_name)) {
      problem = fmt::format("'{}' cannot be the name of a header", Printable(name));
    } else if (HasAny(value, is_control)) {
      problem = fmt::format("the value of its header '{}' has a control character; take it out", name);
    }
  };
  for (const auto& [name, value] : request.headers) check(name, value);
  for (const auto& [name, value] : request.secret_headers) check(name, value.Reveal());
  return problem;
}

std::optional<std::string_view> HttpHeaders::Find(std::string_view name) const {
  std::string_view rest = raw_;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        strncasecmp(line.data(), name.data(), name.size()) != 0) {
      continue;
    }
    return TrimHeaderSpace(line.substr(name.size() + 1));
  }
  return std::nullopt;
}

std::optional<std::chrono::sys_seconds> ParseHttpDate(std::string_view text) {
  std::tm utc{};
  const std::string date(text.substr(0, 64));
  const char* const end = strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  if (end == nullptr || *end != '\0') return std::nullopt;
  // No clock is that wrong, and system_clock's nanoseconds hold no more.
  const int year = utc.tm_year + 1900;
  if (year < 1970 || year >= 2200) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&utc)));
}

}  // namespace s3
