// The shared config and credentials files: INI, merged into profiles.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "s3/base/environment.h"

namespace s3 {

// The settings of one section. Values may be secrets.
using Settings = std::map<std::string, Secret, std::less<>>;
// Sections by their headers, without the brackets. Names of settings in lower case.
using IniFile = std::map<std::string, Settings, std::less<>>;

// Lines that are indented more than the setting before them belong to it. Below a setting without a value
// they are nested settings, "s3.addressing_style"; others are left out. A section that comes twice is one.
// Anything else is let go, as SDKs do.
IniFile ParseIni(std::string_view text);

struct Profile {
  Settings config;       // [profile NAME] of the config file; [default]
  Settings credentials;  // [NAME] of the credentials file

  // The credentials file's value before the config file's; empty when neither has one.
  std::string_view Find(std::string_view name) const;
  bool Has(std::string_view name) const { return !Find(name).empty(); }
};

class Profiles {
 public:
  // Without any profile: knows the paths only.
  explicit Profiles(const Environment& environment);

  // Reads AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/config and ~/.aws/credentials. A
  // file that is not there is an empty one, unless the environment names it. `warn` is told when others
  // may read a file with secrets.
  static Result<Profiles> Load(const Environment& environment,
                               const std::function<void(std::string_view)>& warn);
  // The same for settings other than keys: a credentials file that cannot be read is an empty one, and only
  // regular files are read, since what comes through a pipe comes once.
  static Result<Profiles> LoadSettings(const Environment& environment);

  // Null when neither file has it.
  const Profile* Find(std::string_view name) const;
  const Settings* FindSsoSession(std::string_view name) const;
  const Settings* FindServices(std::string_view name) const;

  const std::string& credentials_path() const { return credentials_path_; }
  const std::string& config_path() const { return config_path_; }

 private:
  void Merge(IniFile config, IniFile credentials);

  std::string config_path_, credentials_path_;
  std::map<std::string, Profile, std::less<>> profiles_;
  IniFile sso_sessions_, services_;
};

// A file of at most 1 MiB as it is, for those who read small files with secrets.
Result<Secret> ReadSecretFile(const std::string& path);

}  // namespace s3
