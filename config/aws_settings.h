// The settings of AWS's SDKs, of the environment and the shared files, as values for the keys of a job file.
// AWS.md has the table for people.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/fallbacks.h"
#include "s3/base/environment.h"
#include "s3/credentials/providers/configured.h"

namespace config {

// A setting that is one value: what becomes of it.
struct AwsSetting {
  std::string_view name;      // in a profile, "s3.addressing_style" for a nested one; empty for none
  std::string_view variable;  // in the environment, before the profile; empty for none
  std::string_view key;  // of the job file. When the setting is not followed: where to say the like, or empty
  bool followed;
  std::string_view words{};  // the values that there are, as "auto|path"; empty for any
  std::string_view same{};   // of one that is not followed: the value that says what s3flow does anyway
};
std::span<const AwsSetting> AwsSettings();

// Collects the settings of the environment and of one profile: `job_profile`, else the one that the
// environment names, else [default]. `profiles` is an error when the config file cannot be read. The function
// checks whether a CA bundle exists; otherwise it is pure.
Fallbacks FindAwsSettings(const s3::Result<s3::Profiles>& profiles, const std::string& job_profile,
                          const s3::Environment& environment);

}  // namespace config
