// Checks the command-line options of the embedded endpoint.
#pragma once

#include "pipeline/cli/commands/commands.h"
#include "s3/endpoint/options.h"

namespace cli {

// Puts latency, bandwidth, rate limit, conditions and faults into `options`. Fails with 64 for a wrong option
// or faults file.
tl::expected<void, ExitError> ApplyEndpointArguments(const EndpointArguments& arguments,
                                                     s3::endpoint::ServerOptions* options);

}  // namespace cli
