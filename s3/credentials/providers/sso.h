// Credentials of a role in IAM Identity Center, for the token that `aws sso login` has left.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
#pragma once

#include <optional>
#include <string>

#include "s3/credentials/providers/context.h"
#include "s3/credentials/providers/profiles.h"

namespace s3 {

// Nothing when the profile has no sso_* settings. `name` is the profile's, for messages.
std::optional<Result<Credentials>> SsoCredentials(const Profiles& profiles, const std::string& name,
                                                  const ProviderContext& context);

}  // namespace s3
