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
  // Empty means STS's default, one hour. AWS accepts 900 to 43200; other stores may accept less.
  std::string duration_seconds;
};

struct StsOptions {
  std::string endpoint;  // "https://sts.eu-west-1.amazonaws.com"
  std::string region;    // the request is signed for it
};

// Signs with `base`. If STS refuses the request and its clock differs from ours, sends it once more with
// STS's time.
Result<Credentials> AssumeRole(const AssumedRole& role, const StsOptions& sts, const Credentials& base,
                               const ProviderContext& context);

// Does not sign the request, because `token` proves the identity.
Result<Credentials> AssumeRoleWithWebIdentity(const AssumedRole& role, const StsOptions& sts,
                                              const Secret& token, const ProviderContext& context);

}  // namespace s3
