// Credentials from the Security Token Service.
// https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
#pragma once

#include <string>

#include "s3/credentials/providers/context.h"

namespace s3 {

struct AssumedRole {
  std::string role_arn;
  std::string session_name = "s3flow";
  std::string external_id;  // empty means none
  // Empty means STS's default, an hour. AWS takes 900 to 43200; other stores less.
  std::string duration_seconds;
};

struct StsOptions {
  std::string endpoint;  // "https://sts.eu-west-1.amazonaws.com"
  std::string region;    // which the request is signed for
};

// Signed with `base`. When STS finds the time of the request wrong, it is asked once more with its own.
Result<Credentials> AssumeRole(const AssumedRole& role, const StsOptions& sts, const Credentials& base,
                               const ProviderContext& context);

// Signed with nothing: `token` says who asks.
Result<Credentials> AssumeRoleWithWebIdentity(const AssumedRole& role, const StsOptions& sts,
                                              const Secret& token, const ProviderContext& context);

}  // namespace s3
