// The shared config and credentials files: INI, merged into profiles.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "s3/base/environment.h"
#include "s3/base/result.h"
#include "s3/base/secret.h"

namespace s3 {

// The settings of one section by name, in lower case. Values may be secrets.
using Settings = std::map<std::string, Secret, std::less<>>;
// The sections by header, without brackets.
using IniFile = std::map<std::string, Settings, std::less<>>;

// A line that is indented more than the setting before it belongs to that setting. If that setting has no
// value, the line is a nested setting ("s3.addressing_style"); otherwise the line is ignored. Sections with
// the same header are merged. Lines that cannot be understood are ignored, as by AWS's SDKs.
IniFile ParseIni(std::string_view text);

struct Profile {
  Settings config;       // [profile NAME] or [default] of the config file
  Settings credentials;  // [NAME] of the credentials file

  // Returns the value in the credentials file, else the value in the config file; empty if neither file has
  // the setting.
  std::string_view Find(std::string_view name) const;
  bool Has(std::string_view name) const { return !Find(name).empty(); }
};

class Profiles {
 public:
  // Sets only the paths of the files, and reads no profiles.
  explicit Profiles(const Environment& environment);

  // Reads AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/config and ~/.aws/credentials. A missing
  // file is treated as empty, unless the environment names it. `warn` receives a line if other users may read
  // a file with secrets.
  static Result<Profiles> Load(const Environment& environment,
                               const std::function<void(std::string_view)>& warn);
  // Reads the same files for settings other than keys. A credentials file that cannot be read is treated as
  // empty. Reads only regular files, because a pipe can be read only once, and Load() needs its content.
  static Result<Profiles> LoadSettings(const Environment& environment);

  // Returns null if neither file has the profile.
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

// Returns the content of a file. Fails if the file cannot be read or is larger than 1 MiB.
Result<Secret> ReadSecretFile(const std::string& path);

}  // namespace s3
