#include "s3/credentials/providers/profiles.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "s3/base/text.h"

namespace s3 {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::string_view kSpace = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Removes the quotes of [profile "two words"].
std::string Unquoted(std::string_view text) {
  text = Trim(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front())
    return std::string(text.substr(1, text.size() - 2));
  return std::string(text);
}

// Returns x for the header "profile x" and the kind "profile"; nothing for headers of another kind.
std::optional<std::string> NameAfter(std::string_view kind, std::string_view header) {
  if (!header.starts_with(kind)) return std::nullopt;
  header.remove_prefix(kind.size());
  if (header.empty() || kSpace.find(header.front()) == std::string_view::npos) return std::nullopt;
  return Unquoted(header);
}

void WarnIfOthersMayRead(const std::string& path, const std::function<void(std::string_view)>& warn) {
  struct stat status {};
  constexpr mode_t kOthers = 077;
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & kOthers) == 0) return;
  warn(fmt::format("{} contains secrets and has mode {:04o}, so others may read it: run chmod 600 {}", path,
                   status.st_mode & 07777, path));
}

// A missing file is treated as empty, unless the environment names it (`named`).
Result<IniFile> ReadIni(const std::string& path, bool named) {
  struct stat status {};
  if (!named && stat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) return IniFile();
  const auto text = ReadSecretFile(path);
  if (!text) return tl::unexpected(text.error());
  return ParseIni(text->Reveal());
}

// Returns true for pipes, devices and directories; false for regular files, and if nothing has that path.
bool IsOtherThanFile(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

bool HoldsSecrets(const IniFile& file) {
  return std::any_of(file.begin(), file.end(),
                     [](const auto& section) { return section.second.contains("aws_secret_access_key"); });
}

}  // namespace

Result<Secret> ReadSecretFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fail(ErrorKind::kBadCredentials, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto bytes = static_cast<std::size_t>(file.gcount());
  Secret secret(std::string_view(text).substr(0, bytes));
  explicit_bzero(text.data(), bytes);
  if (file.bad() || (bytes == 0 && !file.eof())) {
    return Fail(ErrorKind::kBadCredentials, fmt::format("cannot read {}", path));
  }
  if (bytes > kMaxFileBytes) {
    return Fail(ErrorKind::kBadCredentials, fmt::format("{} is larger than 1 MiB", path));
  }
  return secret;
}

IniFile ParseIni(std::string_view text) {
  IniFile file;
  Settings* section = nullptr;
  auto indent = std::string_view::npos;  // of the previous setting; npos before the first
  std::string parent;                    // the name of the previous setting if it has no value
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto whole = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto line = Trim(whole);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const auto depth = whole.find_first_not_of(kSpace);
    const auto equals = line.find_first_of("=:");
    const auto name = LowerCase(Trim(line.substr(0, std::min(equals, line.size()))));
    const auto value = Trim(line.substr(std::min(equals, line.size() - 1) + 1));
    if (indent != std::string_view::npos && depth > indent) {
      if (!parent.empty() && equals != std::string_view::npos)
        (*section)[fmt::format("{}.{}", parent, name)] = Secret(value);
      continue;
    }
    if (line.front() == '[') {
      const auto close = line.find(']');
      section =
          close == std::string_view::npos ? nullptr : &file[std::string(Trim(line.substr(1, close - 1)))];
      indent = std::string_view::npos;
      continue;
    }
    if (section == nullptr || equals == std::string_view::npos) continue;
    (*section)[name] = Secret(value);
    parent = value.empty() ? name : "";
    indent = depth;
  }
  return file;
}

std::string_view Profile::Find(std::string_view name) const {
  for (const auto* settings : {&credentials, &config}) {
    const auto found = settings->find(name);
    if (found != settings->end()) return found->second.Reveal();
  }
  return {};
}

Profiles::Profiles(const Environment& environment) {
  const auto home = environment("HOME").value_or("") + "/.aws/";
  const auto path_of = [&](const char* variable, const char* name) {
    auto path = environment(variable).value_or(home + name);
    if (path.starts_with("~/")) path.replace(0, 1, environment("HOME").value_or(""));
    return path;
  };
  config_path_ = path_of("AWS_CONFIG_FILE", "config");
  credentials_path_ = path_of("AWS_SHARED_CREDENTIALS_FILE", "credentials");
}

Result<Profiles> Profiles::Load(const Environment& environment,
                                const std::function<void(std::string_view)>& warn) {
  Profiles profiles(environment);
  auto config = ReadIni(profiles.config_path_, environment("AWS_CONFIG_FILE").has_value());
  if (!config) return tl::unexpected(config.error());
  auto credentials =
      ReadIni(profiles.credentials_path_, environment("AWS_SHARED_CREDENTIALS_FILE").has_value());
  if (!credentials) return tl::unexpected(credentials.error());
  if (HoldsSecrets(*config)) WarnIfOthersMayRead(profiles.config_path_, warn);
  if (HoldsSecrets(*credentials)) WarnIfOthersMayRead(profiles.credentials_path_, warn);
  profiles.Merge(std::move(*config), std::move(*credentials));
  return profiles;
}

Result<Profiles> Profiles::LoadSettings(const Environment& environment) {
  Profiles profiles(environment);
  const bool named = environment("AWS_CONFIG_FILE").has_value();
  if (IsOtherThanFile(profiles.config_path_))
    return Fail(ErrorKind::kPermanent, fmt::format("{} is not a regular file", profiles.config_path_));
  auto config = ReadIni(profiles.config_path_, named);
  if (!config) return tl::unexpected(config.error());
  auto credentials = IsOtherThanFile(profiles.credentials_path_) ? Result<IniFile>()
                                                                 : ReadIni(profiles.credentials_path_, false);
  profiles.Merge(std::move(*config), std::move(credentials).value_or(IniFile()));
  return profiles;
}

void Profiles::Merge(IniFile config, IniFile credentials) {
  for (auto& [header, settings] : config) {
    if (const auto name = NameAfter("profile", header)) {
      profiles_[*name].config = std::move(settings);
    } else if (const auto session = NameAfter("sso-session", header)) {
      sso_sessions_[*session] = std::move(settings);
    } else if (const auto services = NameAfter("services", header)) {
      services_[*services] = std::move(settings);
    } else if (header == "default" && !config.contains("profile default")) {
      profiles_[header].config = std::move(settings);
    }
  }
  for (auto& [header, settings] : credentials) {
    profiles_[Unquoted(header)].credentials = std::move(settings);
  }
}

const Profile* Profiles::Find(std::string_view name) const {
  const auto found = profiles_.find(name);
  return found == profiles_.end() ? nullptr : &found->second;
}

const Settings* Profiles::FindSsoSession(std::string_view name) const {
  const auto found = sso_sessions_.find(name);
  return found == sso_sessions_.end() ? nullptr : &found->second;
}

const Settings* Profiles::FindServices(std::string_view name) const {
  const auto found = services_.find(name);
  return found == services_.end() ? nullptr : &found->second;
}

}  // namespace s3
