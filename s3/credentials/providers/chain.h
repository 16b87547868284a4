// Finds credentials along AWS's provider chain, in its order.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#pragma once

#include "s3/credentials/providers/context.h"

namespace s3 {

// Returns the keys of the job file, if it has keys. Otherwise, if the job file names a profile, returns the
// credentials of that profile, and tries no other source. Otherwise returns the credentials of the first
// source in this list that is configured:
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (AWS_CREDENTIAL_EXPIRATION)
//   2. the profile that AWS_PROFILE or AWS_DEFAULT_PROFILE names, or [default]: a role with a source_profile
//   or credential_source
//   3. web identity: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or the profile's settings for them
//   4. the profile: IAM Identity Center, keys in the credentials file, credential_process, keys in the config
//   file
//   5. the container's agent
//   6. EC2's metadata service
// If a source is configured but does not work, returns an error, and does not try the next source. Blocks the
// calling thread, in the worst case for minutes. Call it again when the credentials expire: it reads
// everything again.
Result<ProvidedCredentials> LoadCredentials(const CredentialOptions& options, const ProviderContext& context);

}  // namespace s3
