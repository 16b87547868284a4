// Settings that all of AWS's SDKs read: from a variable of the environment, or from a profile of the shared
// files. https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
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
  std::string source;  // for people: "AWS_REGION", "/home/me/.aws/config [profile lab] region"
};

// The profile that the environment names: AWS_PROFILE, then AWS_DEFAULT_PROFILE. Nothing when it names none.
std::optional<Setting> ProfileInEnvironment(const Environment& environment);

// Where a profile's settings are looked up. Pure.
class Configured {
 public:
  // Both outlive it. `profile` may be of none.
  Configured(const Environment* environment, const Profiles* profiles, std::string profile)
      : environment_(environment), profiles_(profiles), profile_(std::move(profile)) {}

  // The first variable that is set; then the profile's setting, "s3.addressing_style" for a nested one. An
  // empty value is none.
  std::optional<Setting> Find(std::initializer_list<std::string_view> variables, std::string_view name) const;

  // The URL for a service ("s3", "sts", "sso") in the order of the guide; nothing when none is configured, or
  // when IgnoresEndpoints(). An error when the profile names a [services] section that is not there.
  // https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
  Result<std::optional<Setting>> Endpoint(std::string_view service) const;
  // The setting that has configured URLs ignored.
  std::optional<Setting> IgnoresEndpoints() const;

  // An Environment in which variables that are not set have the value of the profile's setting: for what is
  // configured both ways.
  Environment WithProfile(std::initializer_list<std::pair<std::string_view, std::string_view>> names) const;

 private:
  std::optional<Setting> InProfile(std::string_view name) const;

  const Environment* environment_;
  const Profiles* profiles_;
  std::string profile_;
};

// "TRUE" is true, as for AWS's SDKs.
bool IsTrue(std::string_view value);

}  // namespace s3
