#include "s3/uri.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "s3/base/text.h"

namespace s3 {
namespace {

constexpr std::array<bool, 256> kUnreserved = [] {
  std::array<bool, 256> table{};
  for (unsigned char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                          "0123456789-._~")) {
    table[c] = true;
  }
  return table;
}();

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int DefaultPort(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

bool IsDigitOrDot(char c) { return (c >= '0' && c <= '9') || c == '.'; }

bool IsHostChar(char c) { return kUnreserved[static_cast<unsigned char>(c)] && c != '~'; }

Result<int> ParsePort(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535) {
    return Fail(ErrorKind::kPermanent, "a port must be a number from 1 to 65535");
  }
  return port;
}

}  // namespace

std::string UriEncode(std::string_view bytes, bool keep_slash) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (kUnreserved[byte] || (keep_slash && c == '/')) {
      text += c;
    } else {
      text += '%';
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
  }
  return text;
}

std::optional<std::string> UriDecode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexValue(text[i + 1]), low = HexValue(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return bytes;
}

std::string CanonicalQuery(const std::vector<QueryParam>& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) {
    encoded.emplace_back(UriEncode(name, false), UriEncode(value, false));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text.append(name).append("=").append(value);
  }
  return text;
}

std::string Endpoint::HostHeader() const { return port == DefaultPort(scheme) ? host : HostAndPort(); }

std::string Endpoint::HostAndPort() const { return host + ":" + std::to_string(port); }

std::string Endpoint::Url() const { return scheme + "://" + HostAndPort(); }

bool Endpoint::HasAddressForHost() const {
  return host.starts_with('[') || std::all_of(host.begin(), host.end(), IsDigitOrDot);
}

std::string WithoutUser(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos) return std::string(text);
  auto begin = text.substr(0, at).find("://");
  begin = begin == std::string_view::npos ? text.find_last_of(" '\"", at) + 1 : begin + 3;
  return fmt::format("{}**redacted**{}", text.substr(0, begin), text.substr(at));
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const auto shown = WithoutUser(text);
  const auto problem = [&](std::string_view what) {
    return Fail(ErrorKind::kPermanent, fmt::format("endpoint '{}' {}", shown, what));
  };
  const auto separator = text.find("://");
  if (separator == std::string_view::npos) {
    return problem(fmt::format("has no scheme: write http://{0} or https://{0}", shown));
  }
  Endpoint endpoint;
  endpoint.scheme = LowerCase(text.substr(0, separator));
  if (endpoint.scheme != "http" && endpoint.scheme != "https") {
    return problem("has a scheme other than http and https: write http:// or https://");
  }
  std::string_view rest = text.substr(separator + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('@') != std::string_view::npos)
    return problem("must not contain a user or password: remove it");
  if (rest.find_first_of("/?#") != std::string_view::npos) {
    return problem("must end after host and port: remove the path, query or fragment");
  }
  std::string_view host = rest, port;
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return problem("has an IPv6 address without ']'");
    host = rest.substr(0, close + 1);
    port = rest.substr(close + 1);
    const auto inside = host.substr(1, host.size() - 2);
    if (inside.empty() || inside.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) {
      return problem("has an invalid IPv6 address as host");
    }
  } else {
    const auto colon = rest.find(':');
    host = rest.substr(0, colon);
    port = colon == std::string_view::npos ? "" : rest.substr(colon);
    if (!std::all_of(host.begin(), host.end(), IsHostChar))
      return problem("has a host name with an invalid character");
  }
  if (host.empty() || host == ".") return problem("has no host");
  endpoint.port = DefaultPort(endpoint.scheme);
  if (!port.empty()) {
    if (port.front() != ':') return problem("has text after the host that is not a port: write [host]:port");
    const auto number = ParsePort(port.substr(1));
    if (!number) return problem("has an invalid port: " + number.error().message);
    endpoint.port = *number;
  }
  endpoint.host = LowerCase(host);
  return endpoint;
}

std::optional<std::string> BucketNameProblem(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) {
    return fmt::format("a bucket name must have 3 to 63 characters, but '{}' has {}", name, name.size());
  }
  for (const char c : name) {
    if (!kUnreserved[static_cast<unsigned char>(c)] || c == '~') {
      return fmt::format("a bucket name may only have letters, digits, '-', '.' and '_', but '{}' has '{}'",
                         name, c);
    }
  }
  const auto is_edge = [](char c) { return c == '-' || c == '.' || c == '_'; };
  if (is_edge(name.front()) || is_edge(name.back())) {
    return fmt::format("a bucket name must begin and end with a letter or digit, but '{}' does not", name);
  }
  if (name.find("..") != std::string_view::npos) {
    return fmt::format("a bucket name must not have two dots in a row, but '{}' does", name);
  }
  if (std::all_of(name.begin(), name.end(), IsDigitOrDot) && std::count(name.begin(), name.end(), '.') == 3) {
    return fmt::format("a bucket name must not be an IP address, but '{}' is", name);
  }
  return std::nullopt;
}

std::optional<std::string> KeyProblem(std::string_view key) {
  constexpr std::size_t kMaxKeyBytes = 1024;
  if (key.empty()) return "the key would be empty";
  if (key.size() > kMaxKeyBytes) {
    return fmt::format("the key would have {} bytes, but S3 allows at most {}", key.size(), kMaxKeyBytes);
  }
  if (key.find('\0') != std::string_view::npos) return "the key would contain a NUL byte";
  return std::nullopt;
}

}  // namespace s3
