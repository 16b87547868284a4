// Converts the standard settings of AWS's SDKs (environment and shared files) to values for keys of a job
// file. AWS.md has the table for users.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/fallbacks.h"
#include "s3/base/environment.h"
#include "s3/credentials/providers/configured.h"

namespace config {

// A setting with one value, and how s3flow treats it.
struct AwsSetting {
  std::string_view name;      // in a profile; "s3.addressing_style" for a nested one; empty if none
  std::string_view variable;  // in the environment, which precedes the profile; empty if none
  // The key of the job file that gets the value. If the setting is not followed: the key to use instead, or
  // empty.
  std::string_view key;
  bool followed;
  std::string_view words{};  // the allowed values, "auto|path"; empty allows all
  std::string_view same{};   // if not followed: the value that describes what s3flow does anyway
};
std::span<const AwsSetting> AwsSettings();

// Collects the settings of the environment and of one profile: `job_profile`, else the profile that the
// environment names, else [default]. If the config file cannot be read, pass the error of
// Profiles::LoadSettings as `profiles`. Does no I/O, except that it checks whether a CA bundle exists.
Fallbacks FindAwsSettings(const s3::Result<s3::Profiles>& profiles, const std::string& job_profile,
                          const s3::Environment& environment);

}  // namespace config
