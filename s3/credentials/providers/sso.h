// Credentials of a role in IAM Identity Center, fetched with the token that `aws sso login` has saved.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
#pragma once

#include <optional>
#include <string>

#include "s3/credentials/providers/context.h"
#include "s3/credentials/providers/profiles.h"

namespace s3 {

// Returns nothing if the profile `name` has no sso_* settings.
std::optional<Result<Credentials>> SsoCredentials(const Profiles& profiles, const std::string& name,
                                                  const ProviderContext& context);

}  // namespace s3
