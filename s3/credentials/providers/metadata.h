// Credentials from the machine's surroundings: the container agent and EC2's metadata service. Neither is
// ever reached through a proxy.
#pragma once

#include <optional>

#include "s3/credentials/providers/context.h"

namespace s3 {

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (https, or hosts of this machine and of the agents),
// with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, read each time, or _TOKEN. Nothing when neither URI is set.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
std::optional<Result<ProvidedCredentials>> ContainerCredentials(const ProviderContext& context);

// IMDSv2 only: the role of the instance. Nothing when AWS_EC2_METADATA_DISABLED is true. Takes 1 s by
// default to find that there is no such service (AWS_METADATA_SERVICE_TIMEOUT, _NUM_ATTEMPTS).
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
std::optional<Result<ProvidedCredentials>> InstanceCredentials(const ProviderContext& context);

}  // namespace s3
