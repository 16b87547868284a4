// Defines and checks the command-line options of the embedded endpoint.
#pragma once

#include "pipeline/cli/commands/commands.h"
#include "s3/endpoint/options.h"

namespace CLI {
class App;
}

namespace cli {

// Puts latency, bandwidth, rate limit, conditions and faults into `options`. Fails with 64 for a wrong option
// or faults file.
tl::expected<void, ExitError> ApplyEndpointArguments(const EndpointArguments& arguments,
                                                     s3::endpoint::ServerOptions* options);

// Adds the options of the embedded endpoint to a parser. `arguments` must outlive it.
void AddEndpointArguments(CLI::App* command, EndpointArguments* arguments);

// Defines the command `serve`. The arguments must outlive the parser.
CLI::App* AddServe(CLI::App* app, ServeArguments* arguments);

}  // namespace cli
