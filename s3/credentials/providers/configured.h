// Settings that all of AWS's SDKs read from an environment variable or from a profile in the shared files.
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "s3/base/environment.h"
#include "s3/credentials/providers/profiles.h"

namespace s3 {

struct Setting {
  std::string value;
  std::string source;  // for messages: "AWS_REGION", "/home/me/.aws/config [profile lab] region"
};

// Returns the profile that AWS_PROFILE names, else AWS_DEFAULT_PROFILE; nothing if neither is set.
std::optional<Setting> ProfileInEnvironment(const Environment& environment);

// Looks up settings in the environment and in one profile. Any thread.
class Configured {
 public:
  // `environment` and `profiles` must outlive this object. The profile need not exist.
  Configured(const Environment* environment, const Profiles* profiles, std::string profile)
      : environment_(environment), profiles_(profiles), profile_(std::move(profile)) {}

  // Returns the first variable that is set, else the profile's setting `name` ("s3.addressing_style" for a
  // nested setting). An empty value is treated as not set.
  std::optional<Setting> Find(std::initializer_list<std::string_view> variables, std::string_view name) const;

  // Returns the configured URL of a service ("s3", "sts", "sso"). The guide below gives the order of the
  // sources. Returns nothing if no URL is configured, or if a setting switches all configured URLs off
  // (IgnoresEndpoints() returns that setting). Fails if the profile names a [services] section that does not
  // exist. https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
  Result<std::optional<Setting>> Endpoint(std::string_view service) const;
  // Returns the setting that switches all configured URLs off; nothing if there is no such setting.
  std::optional<Setting> IgnoresEndpoints() const;

  // Returns an Environment with fallbacks. Each entry of `names` pairs a variable with a setting: if the
  // variable is not set, its value is that of the profile's setting.
  Environment WithProfile(std::initializer_list<std::pair<std::string_view, std::string_view>> names) const;

 private:
  std::optional<Setting> InProfile(std::string_view name) const;

  const Environment* environment_;
  const Profiles* profiles_;
  std::string profile_;
};

// Returns true for "true" in upper or lower case, as in AWS's SDKs.
bool IsTrue(std::string_view value);

}  // namespace s3
