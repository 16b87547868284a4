// Credentials from the machine's surroundings: the container's agent and EC2's metadata service. Requests to
// them use no proxy, except over https to a container's agent on another host.
#pragma once

#include <optional>

#include "s3/credentials/providers/context.h"

namespace s3 {

// Sends a request to AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI. A URI with plain http is allowed
// only for this machine and the agents of ECS and EKS. The request contains the token from the file
// AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, which is read at each call, or from _TOKEN. Returns nothing if
// neither URI is set. https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
std::optional<Result<ProvidedCredentials>> ContainerCredentials(const ProviderContext& context);

// Returns the credentials of the instance's role, with IMDSv2 only; nothing if AWS_EC2_METADATA_DISABLED is
// true. By default it takes up to 2 s to find out that there is no metadata service: one attempt to get a
// token and one plain request, of 1 s each (AWS_METADATA_SERVICE_TIMEOUT, _NUM_ATTEMPTS).
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
std::optional<Result<ProvidedCredentials>> InstanceCredentials(const ProviderContext& context);

}  // namespace s3
