// Where credentials come from: AWS's chain, in its order.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#pragma once

#include "s3/credentials/providers/context.h"

namespace s3 {

// The keys of the job file; or its profile, and then nothing else; or the first that is set up of:
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (AWS_CREDENTIAL_EXPIRATION)
//   2. in the profile that AWS_PROFILE names, or [default]: a role of a source_profile or credential_source
//   3. web identity: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or the profile's
//   4. in the profile: IAM Identity Center; keys of the credentials file; credential_process; keys of the
//      config file
//   5. the container's agent
//   6. EC2's metadata service
// What is set up and does not work is an error, and not a reason to try the next. Waits in the calling
// thread, for minutes at worst. Made to be called again when the credentials end: reads everything anew.
Result<ProvidedCredentials> LoadCredentials(const CredentialOptions& options, const ProviderContext& context);

}  // namespace s3
