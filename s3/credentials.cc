#include "s3/credentials.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

namespace s3 {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Result<Credentials> FromFile(const std::string& path, const std::string& profile) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(ErrorKind::kBadCredentials, fmt::format("cannot read the credentials file {}", path));
  }
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.size() > kMaxFileBytes) {
    return Fail(ErrorKind::kBadCredentials,
                fmt::format("{} is larger than 1 MiB: not a credentials file", path));
  }
  auto credentials = ParseCredentialsFile(text, profile);
  explicit_bzero(text.data(), text.size());
  if (!credentials) {
    return Fail(ErrorKind::kBadCredentials, fmt::format("{}: {}", path, credentials.error().message));
  }
  return credentials;
}

std::string CredentialsPath(const Environment& environment) {
  if (const auto path = environment("AWS_SHARED_CREDENTIALS_FILE")) return *path;
  return environment("HOME").value_or("") + "/.aws/credentials";
}

Result<Credentials> Complete(Credentials credentials, std::string_view id_name,
                             std::string_view secret_name) {
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    const bool no_id = credentials.access_key_id.empty();
    return Fail(
        ErrorKind::kBadCredentials,
        fmt::format("{} is set and {} is not", no_id ? secret_name : id_name, no_id ? id_name : secret_name));
  }
  return credentials;
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

Result<Credentials> ParseCredentialsFile(std::string_view text, std::string_view profile) {
  std::map<std::string, std::string_view, std::less<>> values;
  bool inside = false, found = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      const auto close = line.find(']');
      inside = close != std::string_view::npos && Trim(line.substr(1, close - 1)) == profile;
      found = found || inside;
      continue;
    }
    const auto equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    values[std::string(Trim(line.substr(0, equals)))] = Trim(line.substr(equals + 1));
  }
  if (!found) {
    return Fail(ErrorKind::kBadCredentials, fmt::format("there is no profile [{}]", profile));
  }
  const auto value = [&](std::string_view name) {
    const auto it = values.find(name);
    return it == values.end() ? std::string_view() : it->second;
  };
  Credentials credentials{std::string(value("aws_access_key_id")), Secret(value("aws_secret_access_key")),
                          Secret(value("aws_session_token"))};
  for (const auto name : {"aws_access_key_id", "aws_secret_access_key"}) {
    if (value(name).empty()) {
      return Fail(ErrorKind::kBadCredentials, fmt::format("profile [{}] has no {}", profile, name));
    }
  }
  return credentials;
}

Result<Credentials> LoadCredentials(const CredentialOptions& options, const Environment& environment) {
  if (!options.access_key_id.empty() || !options.secret_access_key.empty()) {
    return Complete({options.access_key_id, options.secret_access_key, options.session_token},
                    "credentials.access_key_id", "credentials.secret_access_key");
  }
  const auto path = CredentialsPath(environment);
  if (!options.profile.empty()) return FromFile(path, options.profile);

  const auto id = environment("AWS_ACCESS_KEY_ID");
  const auto secret = environment("AWS_SECRET_ACCESS_KEY");
  if (id || secret) {
    return Complete(
        {id.value_or(""), Secret(secret.value_or("")), Secret(environment("AWS_SESSION_TOKEN").value_or(""))},
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
  }
  const auto profile = environment("AWS_PROFILE");
  const bool named = profile || environment("AWS_SHARED_CREDENTIALS_FILE");
  if (!named && !std::ifstream(path)) {
    return Fail(ErrorKind::kBadCredentials,
                fmt::format("no credentials: none in the job file (credentials:), no AWS_ACCESS_KEY_ID and "
                            "AWS_SECRET_ACCESS_KEY in the environment, and no {}",
                            path));
  }
  return FromFile(path, profile.value_or("default"));
}

}  // namespace s3
