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
  const auto is_not_word = [](unsigned char c) { return c <= 0x20 || c >= 0x7f; };
  const auto is_not_name = [&](unsigned char c) { return is_not_word(c) || c == ':'; };
  if (HasAny(request.method, is_not_word) || HasAny(request.path, is_not_word))
    return "its target has a character that must be percent-encoded";
  if (HasAny(request.endpoint.host, is_not_word))
    return "its host has a character that is not allowed in a host";
  std::optional<std::string> problem;
  const auto check = [&](std::string_view name, std::string_view value) {
    if (name.empty() || HasAny(name, is_not_name)) {
      problem = fmt::format("'{}' cannot be the name of a header", Printable(name));
    } else if (HasAny(value, is_control)) {
      problem =
          fmt::format("its header '{}' has a control character in its value; remove that character", name);
    }
  };
  for (const auto& [name, value] : request.headers) check(name, value);
  for (const auto& [name, value] : request.secret_headers) check(name, value.Reveal());
  return problem;
}

// The loop has no early exit, so that the compiler vectorizes it.
bool HasStrayLineEnd(std::string_view lines) {
  unsigned char any = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const char c = lines[i - 1], next = lines[i];
    any |= static_cast<unsigned char>((c == '\0') | ((c == '\r') & (next != '\r') & (next != '\n')));
  }
  return any != 0;
}

void HttpHeaders::AppendLine(std::string_view line) {
  if (raw_.empty()) raw_.reserve(512);
  if (!line.empty() && (line[0] == ' ' || line[0] == '\t') && !raw_.empty()) {
    raw_.resize(raw_.find_last_not_of("\r\n") + 1);
    raw_.append(" ");
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  }
  raw_.append(line);
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
  // system_clock counts nanoseconds and ends in 2262.
  const int year = utc.tm_year + 1900;
  if (year < 1970 || year >= 2200) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&utc)));
}

}  // namespace s3
